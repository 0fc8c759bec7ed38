"""Modules that people name on the command line may hold anything."""

from pathlib import Path

from tegu.interfaces.cli.stage_modules import stages_of


def test_a_proxy_beside_the_stages_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "with_a_proxy.py"
    path.write_text(
        "from tegu import StageContext, stage\n\n\n"
        "class Proxy:\n"
        "    def __getattr__(self, name):\n        raise RuntimeError('working outside of a request')\n\n"
        "    def __call__(self):\n        raise RuntimeError('working outside of a request')\n\n\n"
        "request = Proxy()\n\n\n"
        "@stage\ndef shout(text: str, ctx: StageContext) -> str:\n    return text.upper()\n",
        "utf-8",
    )
    (found,) = stages_of((str(path),))
    assert found.__name__ == "shout"
