"""The names are the wiring: a function's folder, logical id, handler and use case are one name."""

import ast

import pytest

import templatecheck
from postroad_aws.clients import SERVICES

FUNCTIONS = templatecheck.ROOT / "functions"
USE_CASES = templatecheck.ROOT / "layers/shell/postroad_aws/usecases"
# A noun is a surface with many use cases; a verb is one use case.
SURFACES = {"collect", "public", "api", "console"}


def _list_folders():
    return sorted(path.parent.name for path in FUNCTIONS.glob("*/app.py"))


def _list_functions(template):
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def _logical_id(folder):
    return "".join(word.capitalize() for word in folder.split("_"))


def test_every_folder_is_a_function_and_every_function_a_folder(template):
    assert sorted(_list_functions(template)) == sorted(_logical_id(folder) for folder in _list_folders())


def test_code_and_handler_are_named_after_the_folder(template):
    functions = _list_functions(template)
    for folder in _list_folders():
        function = functions[_logical_id(folder)]
        assert function["CodeUri"] == f"functions/{folder}"
        assert function["Handler"] == f"functions.{folder}.app.handler"


def test_every_artifact_keeps_its_import_path(template):
    for name in _list_functions(template):
        metadata = template["Resources"][name]["Metadata"]
        assert metadata["BuildProperties"] == {"ParentPackageMode": "auto"}, name


@pytest.mark.parametrize("folder", _list_folders())
def test_a_handler_takes_an_event_and_a_context(folder):
    tree = ast.parse((FUNCTIONS / folder / "app.py").read_text())
    handlers = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "handler"]
    assert len(handlers) == 1
    assert len(handlers[0].args.args) == 2


@pytest.mark.parametrize("folder", [folder for folder in _list_folders() if folder not in SURFACES])
def test_a_worker_calls_the_use_case_of_its_name(folder):
    assert (USE_CASES / f"{folder}.py").exists()
    tree = ast.parse((FUNCTIONS / folder / "app.py").read_text())
    imported = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    use_case = f"postroad_aws.usecases.{folder}"
    assert any(name == use_case or name.startswith(f"{use_case}.") for name in imported)


def test_every_function_has_tests():
    tests = templatecheck.ROOT / "tests/functions"
    for folder in _list_folders():
        assert list(tests.glob(f"test_{folder}*.py")) or (tests / folder).is_dir(), folder


def test_layers_build_by_the_target_of_their_name(template):
    layers = {
        name: each for name, each in template["Resources"].items() if each["Type"] == "AWS::Serverless::LayerVersion"
    }
    assert sorted(layers) == ["CoreLayer", "ShellLayer"]
    for name, layer in layers.items():
        makefile = templatecheck.ROOT / layer["Properties"]["ContentUri"] / "Makefile"
        assert f"\nbuild-{name}:\n" in makefile.read_text()


def test_the_layer_keeps_the_sdk_data_of_every_service_that_is_called():
    makefile = (templatecheck.ROOT / "layers/shell/Makefile").read_text()
    kept = next(line for line in makefile.splitlines() if line.startswith("SERVICES = ")).split()[2:]
    assert sorted(kept) == sorted(SERVICES)
