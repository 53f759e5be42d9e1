"""The card's tables, in Markdown, from `evaluation.json`: one function for each, all of the report and nothing else."""

from collections.abc import Iterable, Sequence

from training.metrics import FIELDS
from training.reports import CLASSES, LANGUAGES, Report

NAMES = {"inquiry_type": "inquiry type", "sentiment": "sentiment", "actionable": "actionable"}
SETS = {
    "real_validation": "real validation",
    "umsab_val": "UMSAB val",
    "umsab_test": "UMSAB test",
    "challenge": "challenge set",
}
REFERENCES = {"model.safetensors": "`model.safetensors`", "checkpoint": "the trained checkpoint, not rounded"}
LEVELS = ("high", "medium", "low", "abstain")
MISTAKES_PER_PHENOMENON = 2


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; bars and line breaks in cells are made harmless."""
    lines = [header, ["---"] * len(header), *rows]
    cells = (" | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in line) for line in lines)
    return "\n".join(f"| {line} |" for line in cells)


def scored(part: Report | None, figure: str = "macro_f1", interval: bool = False) -> str:
    """A score, with its interval if wanted; a dash where there were no rows."""
    if not part or figure not in part:
        return "–"
    return f"{part[figure]:.1f}" + (" [{} – {}]".format(*part[f"{figure}_95"]) if interval else "")


def overview(report: Report) -> str:
    """Every field of a set with inquiry type, sentiment and actionable."""
    return table(
        ("macro-F1", "rows", "all", *LANGUAGES, "accuracy"),
        (
            (
                NAMES[field],
                report[field]["all"]["rows"],
                f"**{scored(report[field]['all'], interval=True)}**",
                *(scored(report[field].get(language), interval=True) for language in LANGUAGES),
                scored(report[field]["all"], "accuracy", interval=True),
            )
            for field in FIELDS
        ),
    )


def certain(report: Report) -> str:
    """Accuracy of rows marked sure, and of rows as the stream brings them."""
    return table(
        ("accuracy, %", "rows", "all", *LANGUAGES),
        (
            (
                f"{NAMES[field]}, {said}",
                report[field][group]["rows"],
                scored(report[field][group], "accuracy", interval=True),
                *(scored(report[field].get(f"{group} {language}"), "accuracy") for language in LANGUAGES),
            )
            for field in FIELDS
            for group, said in (("sure", "rows marked sure"), ("random", "rows drawn at random"))
            if group in report[field]
        ),
    )


def classes(report: Report, field: str) -> str:
    """Who is taken for whom, with precision, recall and F1; rows are the right labels."""
    own = report[field]
    return table(
        ("", *CLASSES[field], "precision", "recall", "F1", *(f"F1 {code}" for code in own["languages"])),
        (
            (
                name,
                *own["confusion"][row],
                own["classes"][name]["precision"],
                own["classes"][name]["recall"],
                f"**{own['classes'][name]['f1']}**",
                *(part["classes"][name]["f1"] for part in own["languages"].values()),
            )
            for row, name in enumerate(CLASSES[field])
        ),
    )


def confusion_of(report: Report, language: str, field: str = "inquiry_type") -> str:
    """One language's confusion matrix; rows are the right labels."""
    own = report[field]["languages"][language]
    return table(
        (language, *CLASSES[field]),
        ((name, *own["confusion"][row]) for row, name in enumerate(CLASSES[field])),
    )


def public_sentiment(report: Report) -> str:
    """Sentiment on a public set, by language and class."""
    names = CLASSES["sentiment"]
    return table(
        ("", "rows", "macro-F1", *(f"F1 {name}" for name in names)),
        [
            *(
                (code, own["rows"], scored(own, interval=True), *(own["classes"][name]["f1"] for name in names))
                for code, own in report["languages"].items()
            ),
            ("average", report["rows"], f"**{scored(report['average'], interval=True)}**", *("" for _ in names)),
        ],
    )


def levels(report: Report) -> str:
    """Precision and coverage of each confidence level, and the calibration error."""

    def level(field: str, name: str) -> str:
        own = report[field]["levels"].get(name)
        return f"{own['precision']} % of {own['coverage']} %" if own else "–"

    return table(
        ("", *LEVELS, "calibration error before, after"),
        (
            (
                NAMES[field],
                *(level(field, name) for name in LEVELS),
                "{uncalibrated:.3f}, {cross_fitted:.3f}".format(**report[field]["calibration_error"]),
            )
            for field in FIELDS
        ),
    )


def slices(report: Report) -> str:
    """Kinds of posts; those with too few rows are named by `too_few`."""
    return table(
        ("slice", "rows", "inquiry type: accuracy", "macro-F1", "sentiment: accuracy", "actionable: accuracy"),
        (
            (
                f"{name}: {own['says']}",
                own["inquiry_type"]["rows"],
                scored(own["inquiry_type"], "accuracy", interval=True),
                scored(own["inquiry_type"]),
                scored(own.get("sentiment"), "accuracy"),
                scored(own.get("actionable"), "accuracy"),
            )
            for name, own in report["slices"].items()
            if "inquiry_type" in own
        ),
    )


def too_few(report: Report) -> str:
    """The slices that have no figures."""
    return ", ".join(name for name, own in report["slices"].items() if "inquiry_type" not in own) or "none"


def phenomena(report: Report) -> str:
    """The challenge set by what makes its rows hard."""
    return table(
        ("phenomenon", "rows", "inquiry type: accuracy", "sentiment", "actionable"),
        (
            (
                name,
                own["rows"],
                scored(own["inquiry_type"], "accuracy", interval=True),
                own["sentiment"],
                own["actionable"],
            )
            for name, own in report["phenomena"].items()
        ),
    )


def mistakes(report: Report) -> str:
    """The most confident wrong answers on the challenge set, a few for each phenomenon."""
    shown: dict[str, int] = {}
    rows = []
    for mistake in report["mistakes"]:
        first = mistake["phenomena"][0]
        if shown.get(first, 0) >= MISTAKES_PER_PHENOMENON:
            continue
        shown[first] = shown.get(first, 0) + 1
        wrong = [mistake[field] for field in ("inquiry_type", "sentiment")]
        wrong = [part for part in wrong if part["said"] != part["right"]]
        text = mistake["text"] + (f" (reply to: {mistake['parent']})" if mistake["parent"] else "")
        said = ", ".join(f"{part['said']} ({part['level']}, {part['confidence']:.2f})" for part in wrong)
        rows.append((text, first, said, ", ".join(part["right"] for part in wrong)))
    return table(("text", "phenomenon", "the model says", "right"), rows)


def parity(report: Report) -> str:
    """The served file against checkpoints."""
    return table(
        (
            "against",
            "on",
            "rows",
            "same label: type, sentiment, actionable",
            "macro-F1 change: type, sentiment, actionable",
        ),
        (
            (
                REFERENCES[reference],
                SETS[name],
                own["all"]["rows"],
                ", ".join(f"{own['all']['same_label'][field]:.1f} %" for field in FIELDS),
                ", ".join(_signed(own["all"]["macro_f1_change"].get(field)) for field in FIELDS),
            )
            for reference, parts in report["parity"].items()
            for name, own in parts.items()
        ),
    )


def parity_changes(report: Report) -> str:
    """The largest changes of macro-F1, in words."""
    return "; ".join(
        f"against {REFERENCES[reference]}, by at most {change['sets']} points on a whole set and "
        f"{change['languages']} on one language of a set"
        for reference, change in report["parity_largest_change"].items()
    )


def _signed(change: float | None) -> str:
    return "–" if change is None else f"{change:+.2f}"
