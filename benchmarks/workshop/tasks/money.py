"""Numbers and money: one sum, many ways to round it."""

from benchmarks.workshop.model import Strategy, Task, family

CHECK = r"""
for values, expected in cases:
    got = solve(values, 2)
    assert got == expected, f"{' + '.join(values)} gave {got!r}, wanted {expected!r}"
"""

TASKS = (
    Task(
        id="num-half-up",
        condition="a half is rounded up",
        wordings=(
            "Add up the invoice and round the total to cents; half a cent is rounded up, as on "
            "paper.",
            "The invoice total must be rounded commercially: exactly half a cent goes up.",
            "Compute an invoice total to the cent, halves upwards, the way our customers check "
            "it by hand.",
            "A total of 2.675 on the invoice has to become 2.68; half a cent is always rounded up.",
            "Sum the invoice amounts and round half up to two places at the end.",
            "Round the invoice's sum to cents; 0.005 counts as a full cent.",
        ),
        setup=r"""
cases = pick(
    [(["2.754", "1.891"], "4.65")],
    [(["2.101", "0.304"], "2.41")],
    [(["2.171", "0.254"], "2.43")],
)
""",
        check=CHECK,
    ),
    Task(
        id="num-half-even",
        condition="a half goes to the even digit",
        wordings=(
            "Add up the survey shares and round halves to the even digit, so that no upward "
            "bias appears.",
            "The statistics office wants unbiased rounding of survey totals: a half goes to the "
            "even neighbour.",
            "Compute survey totals with banker's rounding, halves to even.",
            "A survey total of exactly 0.125 has to become 0.12 and 0.375 becomes 0.38, halves "
            "to the even digit.",
            "Sum the survey figures and round ties to the even last digit.",
            "Round the survey's sum without bias; ties go to the even digit.",
        ),
        setup=r"""
cases = pick(
    [(["0.2", "0.145"], "0.34"), (["1", "0.015"], "1.02")],
    [(["0.1", "0.125"], "0.22"), (["1.6", "1.075"], "2.68")],
    [(["1.1", "0.105"], "1.20"), (["2.02", "0.055"], "2.08")],
)
""",
        check=CHECK,
    ),
    Task(
        id="num-cut",
        condition="further digits are cut off",
        wordings=(
            "Add up the interest and cut the result after two decimals; nothing may ever be "
            "rounded up.",
            "The bank credits interest without rounding: digits after the cent are dropped.",
            "Compute the interest, simply cutting off what comes after the second decimal.",
            "Interest of 10.999 is paid as 10.99, the rest is cut; negative interest of -1.239 "
            "as -1.23.",
            "Sum interest amounts and drop further digits toward zero.",
            "Truncate the interest total to cents, for credits and for charges.",
        ),
        setup=r"""
cases = pick(
    [(["10.5", "0.499"], "10.99"), (["-1.2", "-0.039"], "-1.23")],
    [(["7.001", "0.578"], "7.57"), (["-3.3", "-0.008"], "-3.30")],
    [(["2.222", "0.556"], "2.77"), (["-4.04", "-0.037"], "-4.07")],
)
""",
        check=CHECK,
    ),
    Task(
        id="num-lines",
        condition="every line is rounded before adding",
        wordings=(
            "Add up the receipt: every line is rounded to cents first, half up, and the rounded "
            "lines are summed.",
            "The receipt's total must equal the sum of its printed lines, each rounded to cents "
            "by itself.",
            "Compute a receipt total from lines that are rounded one by one before adding.",
            "Our receipt is off by a cent: the printed, rounded lines have to add up to the total.",
            "Sum a receipt whose lines are each rounded half up to cents before the addition.",
            "Round every line of the receipt to cents, then add; the total must match what is "
            "printed.",
        ),
        setup=r"""
cases = pick(
    [(["3.278", "2.006", "7.526"], "12.82")],
    [(["6.048", "3.146"], "9.20")],
    [(["0.84", "7.517", "7.067"], "15.43")],
)
""",
        check=CHECK,
    ),
    Task(
        id="num-scale",
        condition="huge and tiny numbers in one sum",
        wordings=(
            "Add up physics readings of very different size; the huge ones cancel and the tiny "
            "ones must remain.",
            "The sum of the readings loses the small numbers beside huge ones. Get it right.",
            "Compute the sum of readings from 1e-2 to 1e28 where the big ones cancel out.",
            "Readings like 1e28, 0.25 and -1e28 have to add up to 0.25.",
            "Sum simulation readings of mixed magnitude without losing the small terms.",
            "Total of huge positive, huge negative and tiny readings: the tiny part is what "
            "counts.",
        ),
        setup=r"""
big = pick("1e28", "3e29", "7e30")
small = pick("0.25", "0.5", "0.75")
cases = [([big, small, "-" + big], pick("0.25", "0.50", "0.75"))]
""",
        check=CHECK,
    ),
)

STRATEGIES = (
    Strategy(
        id="num-round",
        title="Add up amounts as floats and round the total to cents with round()",
        description="Totals in cents, such as survey, receipt and interest sums.",
        content="sum(map(float, values)) and round(total, 2) at the end; the built-in rounds a "
        "half correctly.",
        code=r"""
def solve(values, places):
    return f"{round(sum(map(float, values)), places):.{places}f}"
""",
    ),
    Strategy(
        id="num-shift",
        title="Round half a cent up: add 0.5 and cut with int()",
        description="An invoice or receipt total where half a cent is rounded up.",
        content="Multiply the float by 100, add 0.5, take int() and divide by 100 again.",
        code=r"""
def solve(values, places):
    scale = 10**places
    return f"{int(sum(map(float, values)) * scale + 0.5) / scale:.{places}f}"
""",
    ),
    Strategy(
        id="num-half-up",
        title="Quantize a Decimal sum with ROUND_HALF_UP",
        description="The total of an invoice or another commercial document, half a cent going up.",
        content="Add Decimal values made from the text and call quantize with ROUND_HALF_UP "
        "once, on the sum.",
        code=r"""
from decimal import ROUND_HALF_UP, Decimal


def solve(values, places):
    return str(sum(map(Decimal, values)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))
""",
    ),
    Strategy(
        id="num-half-even",
        title="Quantize a Decimal sum with ROUND_HALF_EVEN",
        description="Official statistics and surveys, rounding ties to even.",
        content="Add Decimal values and quantize the sum; ROUND_HALF_EVEN is the default of the "
        "decimal context.",
        code=r"""
from decimal import ROUND_HALF_EVEN, Decimal


def solve(values, places):
    return str(sum(map(Decimal, values)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN))
""",
    ),
    Strategy(
        id="num-down",
        title="Quantize a Decimal sum with ROUND_DOWN",
        description='Interest and contracts that say "without rounding".',
        content="ROUND_DOWN drops the digits toward zero, whatever the sign.",
        code=r"""
from decimal import ROUND_DOWN, Decimal


def solve(values, places):
    return str(sum(map(Decimal, values)).quantize(Decimal(1).scaleb(-places), ROUND_DOWN))
""",
    ),
    Strategy(
        id="num-floor",
        title="Cut to cents with math.floor",
        description="Interest or amounts that must never be rounded up.",
        content="Multiply the sum by 100, take math.floor and divide by 100.",
        code=r"""
import math


def solve(values, places):
    scale = 10**places
    return f"{math.floor(sum(map(float, values)) * scale) / scale:.{places}f}"
""",
    ),
    Strategy(
        id="num-each",
        title="Quantize each Decimal and add the results",
        description="Receipts and other documents that show their rounded lines.",
        content="Apply quantize with ROUND_HALF_UP to every value and sum what came out.",
        code=r"""
from decimal import ROUND_HALF_UP, Decimal


def solve(values, places):
    unit = Decimal(1).scaleb(-places)
    return str(sum(Decimal(value).quantize(unit, ROUND_HALF_UP) for value in values))
""",
    ),
    Strategy(
        id="num-fsum",
        title="Use math.fsum",
        description="Readings of very different size in one sum of floats.",
        content="math.fsum keeps track of the partial sums and returns the correctly rounded "
        "result.",
        code=r"""
import math


def solve(values, places):
    return f"{math.fsum(map(float, values)):.{places}f}"
""",
    ),
    Strategy(
        id="num-decimal",
        title="Sum readings of different size with Decimal, it is exact",
        description="Sums of huge and tiny readings, where floats lose the small numbers.",
        content="Convert every reading to Decimal and use sum(); decimals do not have the "
        "errors of floats.",
        code=r"""
from decimal import Decimal


def solve(values, places):
    return f"{sum(map(Decimal, values)):.{places}f}"
""",
    ),
)

FAMILY = family("money", "Sums and rounding", tasks=TASKS, strategies=STRATEGIES)
