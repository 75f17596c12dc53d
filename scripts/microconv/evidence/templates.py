"""Every sentence template of the evidence: what a person reads stands here and nowhere else.

Below `causal` no template says that a micro-conversion brings about anything; a test reads them
all.
"""

from __future__ import annotations

from microconv.evidence.verdict import Reason, Verdict

LIMITS = (
    "Observational: visitors chose what they did, and why they did it is not in the data.",
    "Visitors are cookies or log-ins; people on two devices or without consent are missing.",
    "One site's history: another site, season or campaign may differ.",
    "Comparable visitors may do it later, which makes the matched lift cautious.",
    "The next-step odds ratio compares visits that got as far, so what keeps people browsing is "
    "not in it.",
    "The last bins of depth and age are wide; within them visitors are less alike.",
)

HEADLINES = {
    "matched": "{treated} of visitors who {did} {converted} later within {days} days, {control} of "
    "comparable visitors at the same point of the visit: {headline}.",
    "off_session": "With visitors who {did} the odds of the next step ending in {macro} were "
    "{headline} those of comparable visitors who had not.",
    "naive": "Counted without regard to when, it looks like {naive}.",
    "hidden_factor": "A hidden factor would need to go with both the action and {macro} by "
    "{e_value} to explain this away; your strongest measured factor ({factor}) does {yardstick}.",
    "hidden_factor_alone": "A hidden factor would need to go with both the action and {macro} by "
    "{e_value} to explain this away.",
    "placebo": "On your data a made-up event that happens at random looks like {naive}; like for "
    "like it is {headline}.",
}

VERDICTS = {
    Verdict.INSUFFICIENT: "Too few data for a number.",
    Verdict.POST_MACRO_ONLY: "It follows {macro} and cannot announce it.",
    Verdict.GATE: "It is a step on the way to {macro}, or as common as one: a comparison with "
    "the few who did not {verb} means nothing. Of a step the rate and the value matter.",
    Verdict.NO_EVIDENCE: "No difference from comparable visitors is shown.",
    Verdict.EXPLAINED: "Visitors who are busy or of the right segment do more of everything: "
    "{naive} becomes {headline} among comparable visitors, and {odds} at the next step.",
    Verdict.UNSTABLE: "The numbers contradict each other, so none of them stands for all.",
    Verdict.REVERSED: "Visitors who {did} {converted} less often than comparable visitors.",
    Verdict.TENTATIVE: "It goes with {macro}, but a check of the data failed: take it as a "
    "question, not as an answer.",
    Verdict.PREDICTIVE: "It announces {macro}. That does not say that more of it would bring more.",
    Verdict.ROBUST: "It announces {macro}, in the newest data too, and a hidden factor would have "
    "to be stronger than any that was measured. Only an experiment can say whether more of it "
    "would bring more.",
}

REASONS = {
    Reason.FEW_EXPOSED: "{exposed} visitors did it and were followed for {days} days; "
    "{least_exposed} are needed.",
    Reason.FEW_EXPOSED_CONVERTED: "{exposed_converted} of them {converted} afterwards; "
    "{least_converted} are needed.",
    Reason.NO_FOLLOW_UP: "Nobody was followed for {days} days yet.",
    Reason.NO_COMPARABLE: "Too few visitors at the same point of the visit had not done it yet.",
    Reason.TRACKING_OUTAGE: "It was hardly counted on {silent_days} of {days_with_visits} days "
    "({first_silent_day} to {last_silent_day}) though visitors were there, as if it was not "
    "tracked: who did it on these days counts as if not, so nothing is concluded.",
    Reason.AFTER_THE_MACRO: "{post_macro} of the times that visitors who {converted} did it came "
    "after {macro}.",
    Reason.NEVER_BEFORE_THE_MACRO: "It never happened before {macro}.",
    Reason.ALMOST_EVERY_MACRO: "It came before {recall} of all first times of {macro} on days on "
    "which it was tracked.",
    Reason.STEP_NOT_CLEAR: "The next-step odds ratio {odds} is not clear of chance after "
    "correction for all comparisons (q = {q}).",
    Reason.MATCHED_COVERS_ONE: "The interval of the matched lift {headline} holds 1.",
    Reason.NAIVE_IS_LARGE: "The usual comparison ignores how long visitors stayed and who they "
    "are.",
    Reason.SIGNS_DISAGREE: "The matched lift {headline} and the next-step odds ratio {odds} point "
    "in different directions.",
    Reason.SIMPSON: "All visitors together point one way and segment by segment the other "
    "(Simpson's paradox).",
    Reason.HETEROGENEOUS: "Segments differ clearly: read the values per segment.",
    Reason.BOT_SENSITIVE: "Letting robots in changes the number.",
    Reason.STEP_CLEAR: "The next-step odds ratio {odds} is clear of 1 after correction for all "
    "comparisons (q = {q}).",
    Reason.BELOW_ONE: "{headline} lies below 1, and the next-step odds ratio {odds} agrees.",
    Reason.ABOVE_ONE: "{headline} lies above 1, and the next-step odds ratio {odds} agrees.",
    Reason.CHECK_FAILED: "Design check failed ({checks}): robots, duplicated events or the choice "
    "of clock.",
    Reason.ABOVE_YARDSTICK: "To explain this away a hidden factor would need to go with both by "
    "{e_value}; the strongest one measured, {factor}, does {yardstick}.",
    Reason.BELOW_YARDSTICK: "A hidden factor that goes with both by {e_value} would explain this "
    "away, and {factor} already does {yardstick}.",
    Reason.NO_YARDSTICK: "No factor was measured often enough to say how strong a hidden one "
    "may be.",
    Reason.HOLDS_OUT_OF_TIME: "The last third of the time alone shows it too.",
    Reason.FAILS_OUT_OF_TIME: "The last third of the time alone does not show it.",
    Reason.OFF_SESSION: "It does not happen on a page, so visitors cannot be matched on it; the "
    "next-step odds ratio speaks.",
    Reason.LITTLE_OVERLAP: "Only {overlap} of those who did it have comparable visitors.",
    Reason.RANDOMIZED_UNCLEAR: "An experiment on it found {randomized}, which is not clear of 1.",
}

VALUES = {
    "gross": "{rate} × {order_value} per order = {value} [{low}, {high}] per visitor who {did}, "
    "whatever made them buy.",
    "incremental": "{value} [{low}, {high}] more than comparable visitors spent.",
    "opportunity": "{value} [{low}, {high}] a month for 10 % more of it, if the extra visitors "
    "behave like current ones.",
    "top_heavy": "The largest hundredth of buyers holds {top_share} of this revenue; without them "
    "the value is {trimmed}.",
    "no_money": "{macro} carries no money, so nothing that comes before it gets a value; a "
    "value_rule in the catalog would give it one.",
    "not_comparable": "No incremental value: {why}",
    "off_session": "it does not happen on a page, so there are no comparable visitors.",
    "no_sum": "One order follows several actions, so values of different actions never add up.",
    "few_orders": "{orders} orders follow it; {least_orders} are needed for a value.",
}

CHECKS = {
    "placebo_ok": "{said}",
    "placebo_failed": "{said} It should not differ from comparable visitors (q = {q}): robots, "
    "duplicated events or the choice of clock.",
    "placebo_unknown": "Too few data for a made-up event that happens at random.",
    "same_step_ok": "At most {share} of first macros fall on the very step of a first action.",
    "same_step_failed": "More than {limit} of first macros fall on the very step of the first "
    "action ({names}; at most {share}): the clock is too coarse for these.",
    "outage_ok": "Everything that is counted often enough to tell is counted on all days.",
    "outage_note": "Hardly counted on some days though visitors were there, as if not tracked: "
    "{names}.",
    "overlap_ok": "At least {share} of those who did something have comparable visitors.",
    "overlap_note": "Under {limit} of those who did it have comparable visitors ({names}; at least "
    "{share}): the comparison is of a part.",
    "bots": "{bots} suspected robots are left out ({share} of all {subject}s).",
    "bots_sensitive": "With them these numbers would differ: {names}.",
    "safari_ok": "{share} use Safari, which forgets cookies after {days} days.",
    "safari_note": "{share} use Safari, which forgets cookies after {days} days: whoever returns "
    "later counts as somebody else, and what came before is lost.",
    "consent_ok": "{share} of events came without consent and belong to nobody.",
    "consent_note": "{share} of events came without consent and belong to nobody: these visitors "
    "may differ.",
    "lookback_ok": "The {days} days before the window are loaded.",
    "lookback_note": "{missing} of the {days} days before the window are not loaded, so some first "
    "times may be later ones.",
}

HEADINGS = {
    "ranking": "What announces {macro} within {days} days, as of {as_of}",
    "reliability": "How reliably each announces it (95 % Wilson intervals)",
    "late_only": "AUC, phi and IV are of late conversions only: {share} of first macros fall after "
    "the landmark.",
    "lags": "When it tells: odds of the next step by the time since",
    "segments": "Where segments differ: read these, not the one number for all",
    "checks": "Self-check: the design against your own data",
    "capped": "Failed: {checks}. No verdict that rests on it rises above “predictive?”.",
    "joint": "All together, for prediction only",
    "limits": "Limits",
    "score": "Points towards {macro}, now and as learned",
    "bands": "What followed a score in the back-test (95 % Wilson intervals)",
    "diff": "The change this would be",
    "value": "What goes with {macro} within {days} days, in US dollars per visitor who did it",
}

JOINT = {
    "purpose": "For prediction only: an odds ratio given all others is what is left after later "
    "steps of the same path, so it does not say what matters. Given earlier stages is the fairer "
    "question. Share is of what all together add (Shapley).",
    "collinear": "VIF above 10 (!): others say nearly the same, so its own number is unsure.",
    "none": "No joint model: the micro-conversions repeat each other or the segments.",
    "left_out": "Not in the joint model: {label}, {reason}.",
}

REFUSALS = {
    "empty": "The export holds no event that could be measured, so there is nothing to say.",
    "no_macro": "No visitor reached {macro} up to {as_of}, so nothing can be said of what comes "
    "before it.",
    "no_follow_up": "The data cover {covered} up to {as_of}; nobody was followed for {days} days "
    "yet, so no micro-conversion can be judged for {macro}.",
    "no_micro": "The catalog holds no micro-conversion to hold against {macro}.",
    "unknown_macro": "There is no macro-conversion “{macro}”; there are {known}.",
}

SCORES = {
    "cuts": "Learned from {train} weekly cuts up to {train_until}, tested on the cut of {test}: "
    "{visitors} visitors, of whom {converted} reached {macro} within {days} days after it. Nothing "
    "that happened after a cut is a feature, and no test visitor's outcome was seen in training.",
    "better": "The learned points rank visitors better: AUC {learned} against {manual} of the "
    "present points, a difference of {difference}.",
    "not_better": "The learned points do not rank visitors better than the present ones: AUC "
    "{learned} against {manual}, a difference of {difference}, whose interval is not above 0. Keep "
    "the points you have.",
    "top": "Among the tenth with the highest score {macro} is {lift} as frequent as among all, and "
    "{capture} of it happens there (present points: {manual_lift}, {manual_capture}).",
    "calibration": "Calibration slope {slope}, intercept {intercept} (1 and 0 are perfect); the "
    "Brier score is {skill} than that of the base rate.",
    "refused": "No score was learned for {macro}: {reason}",
    "no_test": "No cut was followed for {days} days after all of training, so nothing could be "
    "tested.",
    "few_test": "{converted} conversions follow the last cut; a back-test needs {least}.",
    "written": "{weights} and {bands} are written; `make build` takes them up.",
    "not_written": "Nothing is written: {reason}",
    "propose": "To take it up: microconv score --write, then look at the change and `make build`.",
}

CAUSAL = {
    "headline": "In a randomised comparison, {macro} became {randomized} as frequent.",
    "verdict": "Chance decided who did it, so this is an effect: it causes the difference.",
}
