"""Words that say that one thing brings about another, which no observational number can."""

from __future__ import annotations

import re

FORBIDDEN = re.compile(
    r"\b(driv(e|es|en|ing)\b|caus(e|es|ed|ing|al|ally)\b|increas|lead[s]? to\b|led to\b|boost|"
    r"lifts? (sales|revenue|conversion)|result(s|ed)? in\b|improv(e|es|ed|ing)\b|"
    r"because of (it|them)\b|thanks to\b|make[s]? (visitors|people|them) (buy|convert)|"
    r"effect of\b|impact[s]?\b|generat(e|es|ed)\b|uplift|raise[s]? (sales|conversion|revenue))",
    re.I,
)
