"""`python -m pathviewer train ...`: the stages of post-training, thin wrappers of `models`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pathviewer.commands.train_attention_check import attention_check_command
from pathviewer.commands.train_compare import compare_command, declining_cost_command
from pathviewer.commands.train_data import app as data_app
from pathviewer.commands.train_data import check_command, import_command, training_errors
from pathviewer.commands.train_items import baseline_command, items_command
from pathviewer.commands.train_recipe import recipe_command
from pathviewer.commands.train_serve_judge import serve_judge
from pathviewer.commands.train_stages import align, average, curves, grpo, preferences, sft, vision

app = typer.Typer(no_args_is_help=True, help="Train a model: data and stages.")
app.add_typer(data_app, name="data")
app.command("import", hidden=True)(
    import_command
)  # short forms of `train data import` and `train data check`
app.command("check", hidden=True)(check_command)
app.command("items")(items_command)
app.command("baseline")(baseline_command)
app.command("attention-check")(attention_check_command)
app.command("compare")(compare_command)
app.command("declining-cost")(declining_cost_command)
app.command("serve-judge")(serve_judge)
app.command("recipe")(recipe_command)
app.command("vision")(vision)
app.command("align")(align)
app.command("sft")(sft)
app.command("grpo")(grpo)
app.command("preferences")(preferences)
app.command("average")(average)
app.command("curves")(curves)


@app.command("new")
def new(
    out: Annotated[Path, typer.Option(help="Folder to write; must not exist or be empty.")],
    seed: Annotated[int, typer.Option(help="Seed of the random weights.")] = 0,
    size: Annotated[str, typer.Option(help="`tiny` (embedded model) or `mini` (tests).")] = "tiny",
) -> None:
    """Write a Qwen2.5-VL with random weights and its tokenizer: the start of training."""
    with training_errors():
        from models.training.specimen.random_init import write_fresh_checkpoint

        typer.echo(f"Wrote {write_fresh_checkpoint(out, seed=seed, size=size)}.", err=True)
