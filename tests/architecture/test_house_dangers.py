"""Nothing turns data into code, and nothing is left half done.

The advisories of the field (2024-2026) are one sentence long: somebody evaluated a string that a user could write.
"""

import ast
import re

from house import Module, listed, modules

EVALUATORS = frozenset(
    {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "types.FunctionType"}
)
UNSAFE_MODULES = frozenset(
    {
        "pickle",
        "marshal",
        "shelve",
        "dill",
        "cloudpickle",
        "joblib",
        "jsonpickle",
        "jinja2",
        "mako",
        "runpy",
        "code",
    }
)
# `importlib` itself is fine for reading our own files and version.
HARMLESS_IMPORTLIB = ("importlib.resources", "importlib.metadata", "importlib.abc")
SAFE_YAML = frozenset({"yaml.SafeLoader", "yaml.CSafeLoader", "SafeLoader", "CSafeLoader"})

ALLOWED = {
    ("tegu", "import importlib"): "loads a public name from a constant table when it is first used",
    ("tegu.app", "import importlib"): "loads the mounted interface, a constant, which imports the app",
    ("tegu.interfaces.cli.lazy", "import importlib"): "loads a command's module from a constant table",
    ("tegu.testing", "import importlib"): "loads a public name from a constant table when it is first used",
    (
        "tegu.interfaces.cli.new",
        "import importlib",
    ): "asks whether a module of that name is there; loads none",
    ("tegu.interfaces.cli.written_pipelines", "import importlib"): "--import, by whoever starts the process",
    (
        "tegu.interfaces.ray.cluster",
        "import importlib",
    ): "loads Ray, a constant, where the extra is installed",
    ("tegu.llm.providers.direct", "import importlib"): "loads a constant list before the first timed call",
}
"""(module, what it does) -> why no data of a user can reach it."""


def _dangers(module: Module) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for name, node in module.imports():
        if name.split(".")[0] in UNSAFE_MODULES:
            found.append((f"import {name.split('.')[0]}", node.lineno))
        if name.split(".")[0] == "importlib" and not name.startswith(HARMLESS_IMPORTLIB):
            found.append(("import importlib", node.lineno))
    for name, call in module.calls():
        if name in EVALUATORS:
            found.append((f"{name}()", call.lineno))
        if name in {"yaml.unsafe_load", "yaml.full_load", "yaml.load_all", "yaml.unsafe_load_all"}:
            found.append((f"{name}()", call.lineno))
        if name == "yaml.load" and not _loads_safely(module, call):
            found.append(("yaml.load()", call.lineno))
        if any(k.arg == "shell" and getattr(k.value, "value", True) for k in call.keywords):
            found.append(("shell=True", call.lineno))
    return found


def _loads_safely(module: Module, call: ast.Call) -> bool:
    """Whether the loader is a safe one, or a class of ours that derives from a safe one."""
    given = [k.value for k in call.keywords if k.arg == "Loader"] or call.args[1:2]
    safe = set(SAFE_YAML)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) in safe for base in node.bases):
            safe.add(node.name)
    return bool(given) and ast.unparse(given[0]) in safe


def test_nothing_evaluates_unpickles_or_imports_by_data() -> None:
    offenders = [
        f"{module.place(line)} {what}"
        for module in modules()
        for what, line in _dangers(module)
        if (module.name, what) not in ALLOWED
    ]
    assert not offenders, listed(offenders)


def test_every_allowed_danger_is_still_there() -> None:
    present = {(module.name, what) for module in modules() for what, _ in _dangers(module)}
    stale = [f"{name} {what}" for name, what in ALLOWED if (name, what) not in present]
    assert not stale, listed(stale)


def test_the_search_for_dangers_finds_them() -> None:
    text = "import pickle\nimport importlib\nimport yaml\neval('1')\nyaml.load('x')\nrun('ls', shell=True)\n"
    module = Module("tegu.sample", modules()[0].path, text, ast.parse(text))
    assert {what for what, _ in _dangers(module)} == {
        "import pickle",
        "import importlib",
        "eval()",
        "yaml.load()",
        "shell=True",
    }


def test_nothing_is_left_to_be_done() -> None:
    offenders = [
        f"{module.place(line)} {word}"
        for module in modules()
        for line, text in (*module.comments(), *module.docstrings())
        # `stubs`, as in type stubs, may be spoken of.
        for word in re.findall(r"\b(?:TODO|FIXME|XXX|HACK)\b|\b[Ss]tub(?:bed)?\b", text)
    ]
    offenders += [
        f"{module.place(node)} raise NotImplementedError"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Raise) and "NotImplementedError" in ast.unparse(node)
    ]
    assert not offenders, listed(offenders)


def test_only_protocols_have_functions_without_a_body() -> None:
    offenders = [
        f"{module.place(node)} {node.name}"
        for module in modules()
        for owner in (module.tree, *(n for n in ast.walk(module.tree) if isinstance(n, ast.ClassDef)))
        if not _is_protocol(owner)
        for node in owner.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not any(ast.unparse(d).endswith("overload") for d in node.decorator_list)
        and _is_nothing(node.body[-1])
    ]
    assert not offenders, listed(offenders)


def _is_protocol(owner: ast.Module | ast.ClassDef) -> bool:
    return isinstance(owner, ast.ClassDef) and any("Protocol" in ast.unparse(base) for base in owner.bases)


def _is_nothing(statement: ast.stmt) -> bool:
    """`pass` or `...`. A docstring alone is a body: it says why there is nothing to do."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return statement.value.value is ...
    return isinstance(statement, ast.Pass)
