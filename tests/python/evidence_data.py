"""Published data that the statistics are held against; each with where it comes from."""

from __future__ import annotations

import csv
import math
import re
from io import StringIO

import numpy as np
from microconv.evidence.quantities import Floats
from microconv.evidence.stratified import Tables
from microconv.evidence.survival import Times

# Berkeley admissions 1973, R's UCBAdmissions (Bickel, Hammel and O'Connell 1975, Science 187:398):
# department, men admitted and rejected, women admitted and rejected.
UCB = (
    ("A", 512, 313, 89, 19),
    ("B", 353, 207, 17, 8),
    ("C", 120, 205, 202, 391),
    ("D", 138, 279, 131, 244),
    ("E", 53, 138, 94, 299),
    ("F", 22, 351, 24, 317),
)


def ucb_tables() -> Tables:
    """Exposed = men, converted = admitted, a stratum per department."""
    _, men_in, men_out, women_in, women_out = zip(*UCB, strict=True)
    return Tables.from_counts(
        np.add(men_in, men_out), men_in, np.add(women_in, women_out), women_in
    )


def ugdp_tables() -> Tables:
    """University Group Diabetes Program: deaths with tolbutamide and placebo, under 55 and above.

    Rothman, Epidemiology: An Introduction (2002), chapter 8.
    """
    return Tables.from_counts([106, 98], [8, 22], [120, 85], [5, 16])


# Swiss fertility 1888, R's swiss (Mosteller and Tukey 1977): Fertility, Agriculture, Examination,
# Education, Catholic, Infant.Mortality of 47 provinces.
_SWISS = """\
80.2,17.0,15,12,9.96,22.2
83.1,45.1,6,9,84.84,22.2
92.5,39.7,5,5,93.40,20.2
85.8,36.5,12,7,33.77,20.3
76.9,43.5,17,15,5.16,20.6
76.1,35.3,9,7,90.57,26.6
83.8,70.2,16,7,92.85,23.6
92.4,67.8,14,8,97.16,24.9
82.4,53.3,12,7,97.67,21.0
82.9,45.2,16,13,91.38,24.4
87.1,64.5,14,6,98.61,24.5
64.1,62.0,21,12,8.52,16.5
66.9,67.5,14,7,2.27,19.1
68.9,60.7,19,12,4.43,22.7
61.7,69.3,22,5,2.82,18.7
68.3,72.6,18,2,24.20,21.2
71.7,34.0,17,8,3.30,20.0
55.7,19.4,26,28,12.11,20.2
54.3,15.2,31,20,2.15,10.8
65.1,73.0,19,9,2.84,20.0
65.5,59.8,22,10,5.23,18.0
65.0,55.1,14,3,4.52,22.4
56.6,50.9,22,12,15.14,16.7
57.4,54.1,20,6,4.20,15.3
72.5,71.2,12,1,2.40,21.0
74.2,58.1,14,8,5.23,23.8
72.0,63.5,6,3,2.56,18.0
60.5,60.8,16,10,7.72,16.3
58.3,26.8,25,19,18.46,20.9
65.4,49.5,15,8,6.10,22.5
75.5,85.9,3,2,99.71,15.1
69.3,84.9,7,6,99.68,19.8
77.3,89.7,5,2,100.00,18.3
70.5,78.2,12,6,98.96,19.4
79.4,64.9,7,3,98.22,20.2
65.0,75.9,9,9,99.06,17.8
92.2,84.6,3,3,99.46,16.3
79.3,63.1,13,13,96.83,18.1
70.4,38.4,26,12,5.62,20.3
65.7,7.7,29,11,13.79,20.5
72.7,16.7,22,13,11.22,18.9
64.4,17.6,35,32,16.92,23.0
77.6,37.6,15,7,4.97,20.0
67.6,18.7,25,7,8.65,19.5
35.0,1.2,37,53,42.34,18.0
44.7,46.6,16,29,50.43,18.2
42.8,27.7,22,29,58.33,19.3
"""


def swiss() -> Floats:
    """47 × 6, fertility first."""
    rows = [[float(cell) for cell in row] for row in csv.reader(StringIO(_SWISS))]
    return np.array(rows)


def leukemia() -> tuple[Times, Times]:
    """Weeks of remission with 6-mercaptopurine and with placebo; Freireich et al. 1963."""
    treated = (6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35)
    relapsed = (1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0)
    placebo = (1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)
    return (
        Times.from_columns(treated, np.array(relapsed) == 1),
        Times.from_columns(placebo, np.ones(len(placebo), dtype=bool)),
    )


# Stanford heart transplant programme (Crowley and Hu 1977, JASA 72:27; as shipped by lifelines):
# days watched, dead or alive at the end, and the day of the transplant if there was one.
_STANFORD = """
50d 6d 16d1 39d36 18d 3d 675d51 40d 85d 58d12 153d26 8d 81d17 1387d37 1d 308d28 36d 43d20 37d
28d18 1032d8 51d12 733d3 219d83 1800a25 1401a 263d 72d71 35d 852d16 16d 77d17 1587a51 1572a23
12d 100d46 66d19 5d4.5 53d2 1408a41 1322a58 3d 2d 40d 45d1 996d2 72d21 9d 1142a36 980d83 285d32
102d 188d41 3d 61d10 942a67 149d 343d21 916a78 68d3 2d 69d 842a27 584d33 78d12 32d 285d57 68d3
670a10 30d5 620a31 596a4 90d27 17d5 2d 545a46 21d 515a210 96d67 482a26 445a6 428a 80d32 334d37
5d 397a8 110d60 370a31 207d139 186d160 340d 340a310 265a28 165d4 16d2 180a13 131a21 109a96 21d
39a38 31a 11a 6d
"""


def stanford_heart() -> tuple[Floats, Floats, Floats]:
    """103 patients: days watched, 1 if that ended in death, day of transplant or infinity."""
    found = re.findall(r"([\d.]+)([da])([\d.]*)", _STANFORD)
    return (
        np.array([float(days) for days, _, _ in found]),
        np.array([float(end == "d") for _, end, _ in found]),
        np.array([float(wait) if wait else math.inf for _, _, wait in found]),
    )
