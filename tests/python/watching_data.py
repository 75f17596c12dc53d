"""Published data that the statistics of watching and deciding are held against."""

from __future__ import annotations

import numpy as np
from microconv.evidence.quantities import Floats

# Box and Jenkins 1976, Series M: sales and a leading indicator over 150 periods (R's BJsales and
# BJsales.lead). They find that the indicator leads by three periods.
_SALES = """\
200.1 199.5 199.4 198.9 199 200.2 198.6 200 200.3 201.2 201.6 201.5 201.5 203.5 204.9 207.1
210.5 210.5 209.8 208.8 209.5 213.2 213.7 215.1 218.7 219.8 220.5 223.8 222.8 223.8 221.7 222.3
220.8 219.4 220.1 220.6 218.9 217.8 217.7 215 215.3 215.9 216.7 216.7 217.7 218.7 222.9 224.9
222.2 220.7 220 218.7 217 215.9 215.8 214.1 212.3 213.9 214.6 213.6 212.1 211.4 213.1 212.9
213.3 211.5 212.3 213 211 210.7 210.1 211.4 210 209.7 208.8 208.8 208.8 210.6 211.9 212.8 212.5
214.8 215.3 217.5 218.8 220.7 222.2 226.7 228.4 233.2 235.7 237.1 240.6 243.8 245.3 246 246.3
247.7 247.6 247.8 249.4 249 249.9 250.5 251.5 249 247.6 248.8 250.4 250.7 253 253.7 255 256.2
256 257.4 260.4 260 261.3 260.4 261.6 260.8 259.8 259 258.9 257.4 257.7 257.9 257.4 257.3 257.6
258.9 257.8 257.7 257.2 257.5 256.8 257.5 257 257.6 257.3 257.5 259.6 261.1 262.9 263.3 262.8
261.8 262.2 262.7
"""
_LEAD = """\
10.01 10.07 10.32 9.75 10.33 10.13 10.36 10.32 10.13 10.16 10.58 10.62 10.86 11.2 10.74 10.56
10.48 10.77 11.33 10.96 11.16 11.7 11.39 11.42 11.94 11.24 11.59 10.96 11.4 11.02 11.01 11.23
11.33 10.83 10.84 11.14 10.38 10.9 11.05 11.11 11.01 11.22 11.21 11.91 11.69 10.93 10.99 11.01
10.84 10.76 10.77 10.88 10.49 10.5 11 10.98 10.61 10.48 10.53 11.07 10.61 10.86 10.34 10.78 10.8
10.33 10.44 10.5 10.75 10.4 10.4 10.34 10.55 10.46 10.82 10.91 10.87 10.67 11.11 10.88 11.28
11.27 11.44 11.52 12.1 11.83 12.62 12.41 12.43 12.73 13.01 12.74 12.73 12.76 12.92 12.64 12.79
13.05 12.69 13.01 12.9 13.12 12.47 12.47 12.94 13.1 12.91 13.39 13.13 13.34 13.34 13.14 13.49
13.87 13.39 13.59 13.27 13.7 13.2 13.32 13.15 13.3 12.94 13.29 13.26 13.08 13.24 13.31 13.52
13.02 13.25 13.12 13.26 13.11 13.3 13.06 13.32 13.1 13.27 13.64 13.58 13.87 13.53 13.41 13.25
13.5 13.58 13.51 13.77 13.4
"""


def box_jenkins() -> tuple[Floats, Floats]:
    """The leading indicator and the sales."""
    lead, sales = (np.array(text.split(), dtype=np.float64) for text in (_LEAD, _SALES))
    return lead, sales


# Berkey et al. 1998, Statistics in Medicine 17:2537: five trials of two treatments of periodontal
# disease; improvement of probing depth and of attachment level with variances and covariance.
BERKEY = (
    (0.47, -0.32, 0.0075, 0.0077, 0.0030),
    (0.20, -0.60, 0.0057, 0.0008, 0.0009),
    (0.40, -0.12, 0.0021, 0.0014, 0.0007),
    (0.26, -0.31, 0.0029, 0.0015, 0.0009),
    (0.56, -0.39, 0.0148, 0.0304, 0.0072),
)

# Thirteen trials of BCG vaccine against tuberculosis (Colditz et al. 1994, JAMA 271:698): ill and
# well with the vaccine, ill and well without.
BCG = (
    (4, 119, 11, 128),
    (6, 300, 29, 274),
    (3, 228, 11, 209),
    (62, 13536, 248, 12619),
    (33, 5036, 47, 5761),
    (180, 1361, 372, 1079),
    (8, 2537, 10, 619),
    (505, 87886, 499, 87892),
    (29, 7470, 45, 7232),
    (17, 1699, 65, 1600),
    (186, 50448, 141, 27197),
    (5, 2493, 3, 2338),
    (27, 16886, 29, 17825),
)

# NIST/SEMATECH e-Handbook, section 6.3.2.4, EWMA control charts: 20 values, lambda .3, start 50.
_NIST = """\
52.0 47.0 53.0 49.3 50.1 47.0 51.0 50.1 51.2 50.5 49.6 47.6 49.9 51.3 47.8 51.2 52.6 52.4 53.6 52.1
"""
_NIST_EWMA = """\
50.60 49.52 50.56 50.18 50.16 49.21 49.75 49.85 50.26 50.33
50.11 49.36 49.52 50.05 49.38 49.92 50.73 51.23 51.94 51.99
"""


def nist_ewma() -> tuple[Floats, Floats]:
    """The values and their exponentially weighted means."""
    values, means = (np.array(text.split(), dtype=np.float64) for text in (_NIST, _NIST_EWMA))
    return values, means


def pair(random: np.random.Generator, kind: str, days: int) -> tuple[Floats, Floats]:
    """Two log rates; only of "lead" does the first tell of the second, three days later."""
    x, y = random.normal(size=(2, days + 3))
    time = np.arange(days + 3)
    if kind == "walk":
        x, y = x.cumsum(), y.cumsum()
    elif kind == "memory":
        for one in (x, y):
            for day in range(1, days + 3):
                one[day] += 0.8 * one[day - 1]
    elif kind == "weekday":
        x, y = (one + 2 * np.isin(time % 7, (5, 6)) for one in (x, y))
    elif kind == "trend":
        x, y = (one + 4 * time / days for one in (x, y))
    elif kind == "coincident":
        driver = random.normal(size=days + 3)
        x, y = driver + x, driver + y
    elif kind == "lead":
        # A correlation of .43 at the lead, as the design's power of 93 % at 120 days has it.
        y = y + 0.48 * np.r_[np.zeros(3), x[:-3]]
    return 0.1 * x[3:], 0.1 * y[3:]
