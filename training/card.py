"""Renders a model folder's card (`README.md`) from `card.md` and the folder's `evaluation.json`, with its plots.

    python -m training.card --model models/mention-triage-small

Every figure of the card is read from the evaluation, every setting from `recipe.toml`; what people have to say about
them is in `card.md`, `tried.toml`, `aims.toml` and `sources.toml`.
"""

import json
import tomllib
from pathlib import Path
from string import Template
from typing import Annotated, Any

import typer
import yaml

from training import card_tables as tables
from training import recipe as recipes
from training.plots import draw
from training.reports import LANGUAGES, Report

HERE = Path(__file__).parent
NOT_MEASURED = "Not measured for this version: the set was not at hand."
_FRONT: dict[str, Any] = {
    "language": list(LANGUAGES),
    "license": "apache-2.0",
    "library_name": "transformers",
    "pipeline_tag": "text-classification",
    "base_model": "intfloat/multilingual-e5-small",
    "datasets": ["cardiffnlp/tweet_sentiment_multilingual", "cardiffnlp/tweet_eval"],
    "metrics": ["f1", "accuracy"],
    "tags": ["customer-care", "social-media", "sentiment", "intent"],
}


def write_card(folder: Path, recipe: Path = recipes.DEFAULT) -> None:
    """Write the plots and `README.md` of a folder that has an `evaluation.json`."""
    report = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    pictures = draw(report, folder)
    (folder / "README.md").write_text(render(report, pictures, recipes.read(recipe)), encoding="utf-8")


def render(report: Report, pictures: list[str], recipe: recipes.Recipe) -> str:
    """The card's text."""
    template = Template((HERE / "card.md").read_text(encoding="utf-8"))
    aims, tried, sources = (listed(name) for name in ("aims", "tried", "sources"))
    real, public = report.get("real_validation"), report.get("umsab_test")
    shown = {name.removesuffix(".svg"): f"![{name.removesuffix('.svg')}]({name})" for name in pictures}
    model, served = report["model"], report["served"]
    return template.substitute(
        front_matter=front_matter(report),
        name=model["name"],
        version=model["version"],
        shape=f"{model['layers']} layers, hidden size {model['hidden_size']}, {model['feed_forward']} feed-forward "
        f"neurons each, {model['vocabulary']:,} word pieces, "
        f"{model['parameters'] / 1e6:.1f} M parameters",
        max_tokens=model["max_tokens"],
        sources=sources_table(report, sources),
        recipe=recipe_text(recipe),
        tried=tables.table(("tried", "gave", "kept"), ((t["what"], t["gave"], t["kept"]) for t in tried)),
        aims=aims_table(report, aims),
        missed=missed(report, aims),
        real_rows=real["rows"] if real else 0,
        no_type=real["rows"] - real["inquiry_type"]["all"]["rows"] if real else 0,
        validation=_or_not(real and tables.overview(real)),
        certain=_or_not(real and tables.certain(real)),
        actionable_f1=_or_not(real and "{value} [{0} – {1}]".format(*_of(real, "95"), value=_of(real, "value"))),
        types=_or_not(real and tables.classes(real, "inquiry_type")),
        types_by_language=""
        if not real
        else "\n\n".join(tables.confusion_of(real, code) for code in real["inquiry_type"]["languages"]),
        sentiments=_or_not(real and tables.classes(real, "sentiment")),
        actionables=_or_not(real and tables.classes(real, "actionable")),
        public_raw=public["average"]["uncalibrated"] if public else "not measured",
        public=_or_not(public and tables.public_sentiment(public)),
        levels=_or_not(real and tables.levels(real)),
        slices=_or_not(real and tables.slices(real)),
        too_few=tables.too_few(real) if real else "all",
        challenge_rows=report["challenge"]["rows"],
        challenge=tables.overview(report["challenge"]),
        phenomena=tables.phenomena(report["challenge"]),
        mistakes=tables.mistakes(report["challenge"]),
        parity=tables.parity(report),
        parity_changes=tables.parity_changes(report),
        size=tables.table(
            ("", ""),
            (
                ("served file", f"{served['megabytes']} MB"),
                ("model.safetensors (fp16)", f"{served['checkpoint_megabytes']} MB"),
                ("loaded in", f"{served['load_seconds']} s"),
                ("texts per second on one core, tokenisation included", served["texts_per_second_one_core"]),
                ("measured on", served["machine"]),
            ),
        ),
        reliability_plot=shown.get("reliability", ""),
        confusion_plot=shown.get("confusion", ""),
        f1_plot=shown.get("f1", ""),
    )


def front_matter(report: Report) -> str:
    """What a model hub reads: YAML with the headline results as a model index."""
    results = []
    if "real_validation" in report:
        own = report["real_validation"]["inquiry_type"]["all"]
        metrics = {"f1": ("macro-F1, inquiry type", own["macro_f1"]), "accuracy": ("accuracy", own["accuracy"])}
        results.append(_result("Real posts to brands (not published)", "real-validation", "validation", metrics))
    if "umsab_test" in report:
        average = report["umsab_test"]["average"]["macro_f1"]
        metrics = {"f1": ("macro-F1, sentiment, average of es, pt, en", average)}
        results.append(_result("UMSAB", "cardiffnlp/tweet_sentiment_multilingual", "test", metrics))
    own = report["challenge"]["inquiry_type"]["all"]
    metrics = {"f1": ("macro-F1, inquiry type", own["macro_f1"]), "accuracy": ("accuracy", own["accuracy"])}
    results.append(_result("Challenge set (invented posts)", "challenge", "test", metrics))
    front = _FRONT | {"model-index": [{"name": report["model"]["name"], "results": results}]}
    return str(yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=100)).rstrip()


def _result(name: str, kind: str, split: str, metrics: dict[str, tuple[str, float]]) -> Report:
    return {
        "task": {"type": "text-classification"},
        "dataset": {"name": name, "type": kind, "split": split},
        "metrics": [{"type": metric, "name": said, "value": value} for metric, (said, value) in metrics.items()],
    }


def recipe_text(recipe: recipes.Recipe) -> str:
    """The settings of `recipe.toml`."""
    stages = tables.table(
        ("stage", "epochs", "rate", "runs (averaged)", "taught by", "neurons", "TweetEval rows", "without", "repeated"),
        (
            (
                stage.name,
                f"{stage.epochs:g}",
                f"{stage.rate:g}",
                len(stage.seeds),
                f"{', '.join(stage.teachers)} ({stage.taught:.0%})" if stage.teachers else "–",
                stage.width or "all",
                stage.tweeteval_rows,
                ", ".join(stage.leave_out) or "–",
                ", ".join(f"{source} × {times}" for source, times in stage.repeat.items()) or "–",
            )
            for stage in recipe.stages
        ),
    )
    return (
        f"AdamW in bfloat16, batch {recipe.batch}, weight decay {recipe.weight_decay:g}, {recipe.warm_up:.0%} warm-up "
        f"then linear decay, pooler and head at {recipe.head_rate:g} times the rate, each layer at "
        f"{recipe.layer_decay:g} of the next one's, dropout {recipe.dropout:g} before the head, label smoothing "
        f"{recipe.label_smoothing:g}; {recipe.altered:.0%} of the written mentions are altered each time they are seen "
        f"(case, accents, typing errors, abbreviations, handles, links, lost thread).\n\n{stages}"
    )


def sources_table(report: Report, sources: list[Report]) -> str:
    """What went in, with the rows that were there."""
    counts = report.get("data", {})
    return tables.table(
        ("source", "rows", "labels", "licence and caveat"),
        (
            (s["name"], f"{counts[s['rows']]:,}" if s.get("rows") in counts else "–", s["labels"], s["licence"])
            for s in sources
        ),
    )


def figure_of(report: Report, path: str) -> float | None:
    """The figure at a dotted path; None when it was not measured."""
    part: Any = report
    for name in path.split("."):
        part = part.get(name) if isinstance(part, dict) else None
    return None if part is None else float(part)


def aims_table(report: Report, aims: list[Report]) -> str:
    """What was aimed at and what is reached."""
    rows = []
    for aim in aims:
        value = figure_of(report, aim["figure"])
        said = "not measured" if value is None else f"{value:g}"
        limit = f"{'≥' if 'at_least' in aim else '≤'} {_limit(aim):g}"
        rows.append((aim["says"], limit, said, "" if value is None else ("yes" if _reached(aim, value) else "**no**")))
    return tables.table(("figure", "aim", "reached", ""), rows)


def missed(report: Report, aims: list[Report]) -> str:
    """By how much each missed aim is missed, and what is noted about it."""
    lines = []
    for aim in aims:
        value = figure_of(report, aim["figure"])
        if value is not None and not _reached(aim, value):
            short = abs(value - _limit(aim))
            lines.append(f"- {aim['says']}: misses by {short:.3g}. {aim.get('note', '')}".rstrip())
    return "\n".join(lines) or "All aims of the table above are reached."


def _reached(aim: Report, value: float) -> bool:
    return value >= _limit(aim) if "at_least" in aim else value <= _limit(aim)


def _limit(aim: Report) -> float:
    return float(aim["at_least"] if "at_least" in aim else aim["at_most"])


def _of(real: Report, part: str) -> Any:
    return real["actionable"]["all"]["yes_f1"][part]


def listed(name: str) -> list[Report]:
    """The entries of a TOML file beside this module: `name.toml` has a list `name`."""
    content: list[Report] = tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8")).get(name, [])
    return content


def _or_not(text: str | None) -> str:
    return text or NOT_MEASURED


def main(
    model: Annotated[Path, typer.Option(help="model folder with an evaluation.json")],
    recipe: Annotated[Path, typer.Option(help="what it was trained by")] = recipes.DEFAULT,
) -> None:
    """Write the card and its plots anew, after `card.md`, `tried.toml` or `aims.toml` were edited."""
    write_card(model, recipe)
    print(f"wrote {model / 'README.md'}")


if __name__ == "__main__":
    typer.run(main)
