"""`tegu models` as a user types it: what the keys allow, the organization's choice, tiny calls, and why another answered."""

from pathlib import Path

from command_line import tegu
from opened import provider_environment

from tegu.testing.scripted import Failed, Json, Match, Reply, Rule, ScriptedProvider, Text


async def test_models_show_what_the_keys_allow_and_what_aliases_stand_for() -> None:
    keys = {"OPENAI_API_KEY": "sk-test", "TEGU_MODEL_CHEAP": "rules", "TEGU_MODEL": "smart"}
    found = (await tegu(keys, "models", "--json")).json
    assert {model["provider"] for model in found["models"]} == {"rules", "openai"}
    assert found["default_model"] == "smart"
    aliases = {alias["name"]: alias for alias in found["aliases"]}
    assert aliases["cheap"]["models"] == ["rules"]
    assert all(model.startswith("openai:") for model in aliases["fast"]["models"])
    selected = await tegu(keys, "models", "gpt-6", "--json")
    assert all("gpt-6" in model["name"] for model in selected.json["models"])


async def test_an_organization_chooses_its_model_and_gives_it_up(process_environment: dict[str, str]) -> None:
    refused = await tegu(process_environment, "models", "use", "fats")
    assert (refused.code, refused.error) == (4, "there is no model alias 'fats' (did you mean 'fast'?)")
    chosen = await tegu(process_environment, "models", "use", "rules", "--json")
    assert chosen.json == {"organization_model": "rules", "models": ["rules"]}
    assert (await tegu(process_environment, "models", "--json")).json["organization_model"] == "rules"
    assert "no model of its own" in (await tegu(process_environment, "models", "use", "--none")).out


async def test_trying_models_says_the_cost_first_and_fails_if_one_does(
    process_environment: dict[str, str],
) -> None:
    rules = [
        Rule(Reply(Text("ready")), Match(model="gpt-6-luna")),
        Rule(Reply(Failed(401)), Match(model="gpt-6-sol")),
    ]
    async with ScriptedProvider(rules) as server:
        environment = process_environment | provider_environment(server)
        good = await tegu(environment, "models", "test", "openai:gpt-6-luna")
        bad = await tegu(environment, "models", "test", "openai:gpt-6-luna", "openai:gpt-6-sol", "--json")
    assert good.code == 0, good.err
    assert good.err.startswith("This makes 1 call: at most $0.000")
    assert "ok" in good.out
    assert bad.code == 1
    trials = {trial["model"]: trial for trial in bad.json["models"]}
    assert trials["openai:gpt-6-luna"]["is_ok"] is True
    assert trials["openai:gpt-6-sol"]["code"] == "authentication"
    nothing = await tegu(process_environment, "models", "test")
    assert (nothing.code, nothing.error) == (4, "there is no model to try")


async def test_why_another_model_answered_is_shown_with_run_and_calls(
    process_environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "note.yaml").write_text("name: note\nstages: {summary: {uses: summarize}}\n")
    (tmp_path / "note.txt").write_text("A text.")
    rules = [
        Rule(Reply(Failed(404)), Match(model="gone")),
        Rule(Reply(Json({"summary": "Short."})), Match(model="here")),
    ]
    async with ScriptedProvider(rules) as server:
        environment = process_environment | provider_environment(server)
        environment |= {"TEGU_MODEL_MINE": "openai:gone, openai:here", "COLUMNS": "200"}
        command = ("run", tmp_path / "note.yaml", tmp_path / "note.txt", "--model", "mine", "--json")
        ended = await tegu(environment, *command)
        assert ended.code == 0, ended.err
        run_id = ended.json["runs"][0]["run"]["id"]
        shown = await tegu(environment, "runs", "show", run_id)
        calls = await tegu(environment, "calls", run_id)
    assert "openai:gone unknown_model, then openai:here" in shown.out
    assert "after openai:gone: unknown_model" in calls.out
