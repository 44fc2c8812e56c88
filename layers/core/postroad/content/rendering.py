"""Templates: a small, safe dialect of Jinja2 that turns a contact's data into a mail or a text.

A template is read into Jinja's syntax tree, held against a list of what may stand in it, and rewritten so that every
operator, filter and loop goes through a function of ours that knows only plain JSON data and counts its work. Only
then is it compiled. So there is no way from a value to a Python object, and no input that takes long: constants are
not folded, a loop costs its length times its body, text is measured before it is made.
"""

import inspect
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import lru_cache, partial
from math import isfinite
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from jinja2 import Environment, Template, TemplateSyntaxError, nodes, pass_context
from jinja2.runtime import Context, LoopContext
from markupsafe import Markup, escape

from postroad.content import markup
from postroad.content.built import BUILT_FROM, PRODUCTS
from postroad.content.coupons import find_coupons
from postroad.content.filters import (
    FILTER_ALIASES,
    FILTERS,
    HTML_FILTERS,
    LOCAL_FILTERS,
    MAX_INTEGER,
    NOTHING,
    OPERATORS,
    TEST_ALIASES,
    TESTS,
    Nothing,
    RenderError,
    check_size,
    check_values,
    items_of,
    safe_url,
    show,
    url_part,
)
from postroad.content.languages import ENGLISH, Language, choose_variant, find_language, parse_tag
from postroad.content.markup import html_to_text
from postroad.documents import REQUIRED, Head, Reader, choose, form, parse_line, read_head
from postroad.errors import PostroadError
from postroad.sending.channels import CHANNELS, HTML, JSON, Channel, Part

if TYPE_CHECKING:
    from postroad.content.choices import Choice

__all__ = [
    "Compiled",
    "CompiledMessage",
    "RenderError",
    "Rendered",
    "TemplateError",
    "compile_message_template",
    "compile_template",
    "read_message_template",
]

MAX_SOURCE = 256 * 1024  # characters
MAX_TAGS, MAX_CODE = 2_000, 40_000  # of {{ … }} and {% … %}, and of characters in them
MAX_OUTPUT = 512 * 1024  # characters; Gmail clips a mail at about 102 KB
MAX_NODES = 10_000  # of a template's syntax tree
MAX_DEPTH = 40
MAX_LOOPS = 2  # one inside the other
MAX_STEPS = 100_000  # of work in one render: about 50 ms


class TemplateError(PostroadError):
    """The template is refused; `line` says where, `sentence` says why and what to write instead."""

    def __init__(self, line: int, sentence: str) -> None:
        self.line, self.sentence = line, sentence
        super().__init__(f"line {line}: {sentence}")


# ------------------------------------------------------------------------------------------------------- the engine


class _Budget:
    """What is left of one render's work; a step is about half a microsecond."""

    __slots__ = ("steps",)

    def __init__(self) -> None:
        self.steps = MAX_STEPS

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise RenderError("the template does too much work for one message; loop over fewer items")


_BUDGET = "_budget"  # names beginning with _ are refused in templates


def _metered(function: Callable[..., object]) -> Callable[..., object]:
    """Make the function spend by the size of what it is given, and refuse a text that is too long."""

    @pass_context
    def call(context: Context, value: object = NOTHING, *arguments: object, **named: object) -> object:
        kind = type(value)
        if kind is str or kind is Markup:
            steps = 2 + len(cast(str, value)) // 128
        elif kind is list or kind is dict:
            steps = 2 + len(cast(list[object], value)) * 4
        else:
            steps = 2
        for argument in arguments:
            if isinstance(argument, str | list):
                steps += len(argument) // 16
        context.parent[_BUDGET].spend(steps)
        result = function(value, *arguments, **named)
        if isinstance(result, str):
            check_size(len(result))
        return result

    return call


@pass_context
def _loop_over(context: Context, value: object, weight: int) -> list[Any]:
    items = items_of(value)
    context.parent[_BUDGET].spend(len(items) * weight)
    return items


_LOOP_FACTS = frozenset({"index", "index0", "revindex", "revindex0", "first", "last", "length"})


class _Engine(Environment):
    """Jinja's compiler over plain data: a dot or a bracket reads a dict's entry or a list's item, nothing else."""

    def __init__(self, html: bool, language: Language) -> None:
        # Not optimized: nothing of a template is computed while it compiles.
        super().__init__(autoescape=html, undefined=Nothing, finalize=show, optimized=False, keep_trailing_newline=True)
        self.globals = {}
        plain = {entry.key: entry.function for entry in FILTERS}
        named = plain | (HTML_FILTERS if html else {}) | {markup.URL: safe_url, markup.URL_PART: url_part}
        named |= {alias: named[key] for alias, key in FILTER_ALIASES.items()}
        if language is not ENGLISH:
            named |= {key: partial(function, language) for key, function in LOCAL_FILTERS.items()}
        named |= dict(OPERATORS.values())
        self.filters = {key: _metered(function) for key, function in named.items()} | {"loop": _loop_over}
        tests = TESTS | {alias: TESTS[key] for alias, key in TEST_ALIASES.items()}
        self.tests = {key: _metered(function) for key, function in tests.items()}

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is dict:
            return obj.get(attribute, NOTHING)
        if type(obj) is LoopContext and attribute in _LOOP_FACTS:
            return getattr(obj, attribute)
        return NOTHING

    def getitem(self, obj: Any, argument: Any) -> Any:
        if type(obj) is dict:
            return obj.get(argument, NOTHING) if isinstance(argument, str) else NOTHING
        if type(obj) is list and type(argument) is int and -len(obj) <= argument < len(obj):
            return obj[argument]
        return NOTHING


@lru_cache(maxsize=32)
def _engine(html: bool, language: Language) -> _Engine:
    return _Engine(html, language)


_KNOWN_FILTERS = {entry.key: inspect.signature(entry.function) for entry in FILTERS}
_KNOWN_FILTERS |= {alias: _KNOWN_FILTERS[key] for alias, key in FILTER_ALIASES.items()}
_KNOWN_TESTS = {key: inspect.signature(function) for key, function in TESTS.items()}
_KNOWN_TESTS |= {alias: _KNOWN_TESTS[key] for alias, key in TEST_ALIASES.items()}
_RESERVED = frozenset({"self", "super", "caller", "varargs", "kwargs"})

_REFUSALS: dict[type[nodes.Node], str] = {
    nodes.Call: "nothing can be called in a template; use a filter, as in {{ name | upper }}",
    nodes.Mul: "`*` is not allowed; write {{ price | times(quantity) }}",
    nodes.Pow: "`**` is not allowed",
    nodes.Mod: "`%` is not allowed; write {% if number is divisibleby(3) %}",
    nodes.FloorDiv: "`//` is not allowed; write {{ (a / b) | int }}",
    nodes.Slice: "[a:b] is not allowed; write {{ items | take(3) }}",
    nodes.Dict: "an object cannot be written in a template",
    nodes.Assign: "{% set %} is not allowed; use the value where it is needed",
    nodes.AssignBlock: "{% set %} is not allowed; use the value where it is needed",
    nodes.Macro: "macros are not allowed",
    nodes.CallBlock: "macros are not allowed",
    nodes.FilterBlock: "{% filter %} is not allowed; put the filter into the placeholder",
    nodes.With: "{% with %} is not allowed",
    nodes.Block: "{% block %} is not allowed; a template stands alone",
    nodes.Extends: "{% extends %} is not allowed; a template stands alone",
    nodes.Include: "{% include %} is not allowed; a template stands alone",
    nodes.Import: "{% import %} is not allowed; a template stands alone",
    nodes.FromImport: "{% import %} is not allowed; a template stands alone",
    nodes.ScopedEvalContextModifier: "{% autoescape %} is not allowed; HTML is always escaped",
}


class _Compiler:
    """Checks one template's tree, and rewrites it so that all work is metered."""

    def __init__(self, html: bool) -> None:
        self.html = html
        self.nodes = self.loops = self.guards = self.line = 0
        self.local: list[set[str]] = []
        self.variables: set[str] = set()
        self.printed: set[str] = set()
        self.tested: set[str] = set()
        self.urls: dict[int, str] = {}

    # Statements

    def template(self, tree: nodes.Template) -> nodes.Template:
        if self.html:
            place = self._follow(tree.body, markup.START)
            if place.mode != "text":
                raise TemplateError(self.line or 1, f"the HTML ends inside {self._inside(place)}")
        tree.body = self._statements(tree.body, 1)
        return tree

    def _statements(self, body: Iterable[nodes.Node], depth: int) -> list[nodes.Node]:
        return [self._statement(node, depth) for node in body]

    def _statement(self, node: nodes.Node, depth: int) -> nodes.Node:
        self._count(node, depth)
        if isinstance(node, nodes.Output):
            node.nodes = [self._printed(child, depth) for child in node.nodes]
        elif isinstance(node, nodes.If):
            node.test = self._tested(cast(nodes.Expr, node.test), depth)
            node.body = self._statements(node.body, depth + 1)
            if len(node.elif_) > MAX_DEPTH:
                raise TemplateError(node.lineno, f"an {{% if %}} has more than {MAX_DEPTH} {{% elif %}}")
            node.elif_ = [cast(nodes.If, self._statement(branch, depth)) for branch in node.elif_]
            node.else_ = self._statements(node.else_, depth + 1)
        elif isinstance(node, nodes.For):
            self._for(node, depth)
        else:
            raise self._refused(node)
        return node

    def _for(self, node: nodes.For, depth: int) -> None:
        if node.recursive:
            raise TemplateError(node.lineno, "a loop must not be recursive")
        if self.loops == MAX_LOOPS:
            raise TemplateError(node.lineno, f"no more than {MAX_LOOPS} loops may stand one inside the other")
        targets = node.target.items if isinstance(node.target, nodes.Tuple) else [node.target]
        names = set()
        for target in targets:
            if not isinstance(target, nodes.Name):
                raise TemplateError(
                    node.lineno, "a loop names one thing or more: {% for key, value in object | items %}"
                )
            names.add(self._name(target.name, node.lineno))
        over = self._expression(cast(nodes.Expr, node.iter), depth + 1)
        before = self.nodes
        self.loops += 1
        self.local.append(names | {"loop"})
        node.body = self._statements(node.body, depth + 1)
        if node.test is not None:
            node.test = self._tested(cast(nodes.Expr, node.test), depth)
        self.local.pop()
        self.loops -= 1
        weight = nodes.Const(self.nodes - before + 1)
        node.iter = nodes.Filter(over, "loop", [weight], [], None, None, lineno=node.lineno)
        node.else_ = self._statements(node.else_, depth + 1)

    def _printed(self, node: nodes.Expr, depth: int) -> nodes.Expr:
        if isinstance(node, nodes.TemplateData):
            return node
        before, self.variables = self.variables, set()
        url = self.urls.get(id(node))
        rewritten = self._expression(node, depth + 1)
        self.variables |= before
        if url:
            rewritten = nodes.Filter(rewritten, url, [], [], None, None, lineno=node.lineno)
        return rewritten

    def _tested(self, node: nodes.Expr, depth: int) -> nodes.Expr:
        before, self.variables = self.variables, set()
        self.guards += 1
        rewritten = self._expression(node, depth + 1)
        self.guards -= 1
        self.tested |= self.variables
        self.variables |= before
        return rewritten

    # Expressions

    def _expression(self, node: nodes.Expr, depth: int) -> nodes.Expr:
        self._count(node, depth)
        line = node.lineno
        if isinstance(node, nodes.Const):
            if type(node.value) is int and abs(node.value) >= MAX_INTEGER:
                raise TemplateError(line, "a number must not have more than 30 digits")
        elif isinstance(node, nodes.Name):
            self._variable(self._name(node.name, line))
        elif isinstance(node, nodes.Getattr | nodes.Getitem):
            self._lookup(node, depth)
        elif isinstance(node, nodes.Filter):
            return self._filter(node, depth)
        elif isinstance(node, nodes.Test):
            self._check_use("test", node, _KNOWN_TESTS)
            self.guards += 1
            node.node = self._expression(node.node, depth + 1)
            node.args = [self._expression(argument, depth + 1) for argument in node.args]
            self.guards -= 1
        elif isinstance(node, nodes.Compare):
            return self._compare(node, depth)
        elif isinstance(node, nodes.And | nodes.Or):
            self.guards += isinstance(node, nodes.Or)
            node.left = self._expression(node.left, depth + 1)
            self.guards -= isinstance(node, nodes.Or)
            node.right = self._expression(node.right, depth + 1)
        elif isinstance(node, nodes.Not):
            node.node = self._expression(node.node, depth + 1)
        elif isinstance(node, nodes.CondExpr):
            node.test = self._tested(node.test, depth)
            node.expr1 = self._expression(node.expr1, depth + 1)
            node.expr2 = self._expression(node.expr2, depth + 1) if node.expr2 is not None else nodes.Const("")
        elif isinstance(node, nodes.List | nodes.Tuple):
            return nodes.List([self._expression(item, depth + 1) for item in node.items], lineno=line)
        elif isinstance(node, nodes.Concat):
            first, *rest = [self._expression(part, depth + 1) for part in node.nodes]
            return nodes.Filter(first, "~", rest, [], None, None, lineno=line)
        elif isinstance(node, nodes.Add | nodes.Sub | nodes.Div):
            left, right = self._expression(node.left, depth + 1), self._expression(node.right, depth + 1)
            return nodes.Filter(left, OPERATORS[type(node)][0], [right], [], None, None, lineno=line)
        elif isinstance(node, nodes.Neg | nodes.Pos):
            inner = self._expression(node.node, depth + 1)
            return nodes.Filter(inner, OPERATORS[type(node)][0], [], [], None, None, lineno=line)
        else:
            raise self._refused(node)
        return node

    def _lookup(self, node: nodes.Getattr | nodes.Getitem, depth: int) -> None:
        path: list[str] = []
        step: nodes.Expr = node
        while isinstance(step, nodes.Getattr | nodes.Getitem):
            self._count(step, depth)
            if isinstance(step, nodes.Getattr):
                path.append(self._name(step.attr, step.lineno))
            elif isinstance(step.arg, nodes.Const) and type(step.arg.value) in (str, int):
                path.append(self._name(str(step.arg.value), step.lineno))
            else:
                path.clear()
                step.arg = self._expression(step.arg, depth + 1)
            inner, depth = step.node, depth + 1
            if not isinstance(inner, nodes.Getattr | nodes.Getitem | nodes.Name):
                step.node = self._expression(inner, depth + 1)
                return
            step = inner
        self._variable(".".join([self._name(cast(nodes.Name, step).name, node.lineno), *reversed(path)]))

    def _filter(self, node: nodes.Filter, depth: int) -> nodes.Expr:
        self._check_use("filter", node, _KNOWN_FILTERS)
        guard = node.name in ("default", "d")
        self.guards += guard
        node.node = self._expression(cast(nodes.Expr, node.node), depth + 1)
        self.guards -= guard
        node.args = [self._expression(argument, depth + 1) for argument in node.args]
        for pair in node.kwargs:
            pair.value = self._expression(pair.value, depth + 1)
        return node

    def _compare(self, node: nodes.Compare, depth: int) -> nodes.Expr:
        if len(node.ops) != 1:
            raise TemplateError(node.lineno, "write `a < b and b < c` instead of `a < b < c`")
        left = self._expression(node.expr, depth + 1)
        right = self._expression(node.ops[0].expr, depth + 1)
        return nodes.Test(left, node.ops[0].op, [right], [], None, None, lineno=node.lineno)

    def _check_use(self, kind: str, node: nodes.Filter | nodes.Test, known: Mapping[str, inspect.Signature]) -> None:
        if node.node is None or node.dyn_args is not None or node.dyn_kwargs is not None:
            raise TemplateError(node.lineno, f"the arguments of {node.name} must be written out")
        if node.name not in known:
            near = get_close_matches(node.name[:40], known, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(known))}"
            raise TemplateError(node.lineno, f"there is no {kind} {node.name[:40]!r}{hint}")
        try:
            known[node.name].bind(None, *node.args, **{str(pair.key): None for pair in node.kwargs})
        except TypeError as mistake:
            raise TemplateError(node.lineno, f"{node.name} is used with wrong arguments: {mistake}") from None
        if kind == "test" and node.kwargs:
            raise TemplateError(node.lineno, f"the arguments of {node.name} have no names")

    # What holds everywhere

    def _count(self, node: nodes.Node, depth: int) -> None:
        self.nodes += 1
        self.line = node.lineno or self.line
        if depth > MAX_DEPTH:
            raise TemplateError(self.line, f"the template is nested more than {MAX_DEPTH} deep")
        if self.nodes > MAX_NODES:
            raise TemplateError(self.line, f"the template has more than {MAX_NODES} parts")

    def _name(self, name: str, line: int) -> str:
        if name.startswith("_") or name in _RESERVED:
            raise TemplateError(line, f"the name {name[:40]!r} is not allowed")
        return name

    def _variable(self, name: str) -> None:
        if any(name.partition(".")[0] in names for names in self.local):
            return
        self.variables.add(name)
        if not self.guards:
            self.printed.add(name)

    def _refused(self, node: nodes.Node) -> TemplateError:
        return TemplateError(node.lineno, _REFUSALS.get(type(node), f"{type(node).__name__} is not allowed here"))

    # Where each placeholder stands in the HTML. Runs before the rewriting, over the same nodes.

    def _follow(self, body: Iterable[nodes.Node], place: markup.Place) -> markup.Place:
        for node in body:
            try:
                place = self._follow_one(node, place)
            except markup.MarkupError as mistake:
                raise TemplateError(self.line or node.lineno, str(mistake)) from None
        return place

    def _follow_one(self, node: nodes.Node, place: markup.Place) -> markup.Place:
        self.line = node.lineno
        if isinstance(node, nodes.Output):
            for child in node.nodes:
                self.line = child.lineno
                if isinstance(child, nodes.TemplateData):
                    place = markup.advance(place, child.data)
                else:
                    if url := markup.check_placeholder(place):
                        self.urls[id(child)] = url
                    place = markup.after_placeholder(place)
            return place
        if isinstance(node, nodes.If):
            branches = (node.body, *(way.body for way in node.elif_), node.else_)
            ways = [self._follow(branch, place) for branch in branches]
            self.line = node.lineno
            for way in ways[1:]:
                ways[0] = markup.join(ways[0], way)
            return ways[0]
        if isinstance(node, nodes.For):
            again = markup.join(place, self._follow(node.body, place))
            if again != place:
                # The second turn begins where the first ended, and must end there too.
                again = markup.join(again, self._follow(node.body, again))
            self.line = node.lineno
            return markup.join(again, self._follow(node.else_, place))
        raise self._refused(node)

    @staticmethod
    def _inside(place: markup.Place) -> str:
        if place.mode == "raw":
            return f"<{place.element}>, which is never closed"
        if place.mode == "value":
            return f"the value of {place.attribute}, whose quote is never closed"
        return "a comment" if place.mode == "comment" else "a tag"


@dataclass(frozen=True, slots=True)
class Compiled:
    """A template that passed every check.

    `variables` are the dotted names that it reads; `unguarded` those of them that it prints without a `default` and
    without having tested them anywhere, so that a contact who lacks one leaves a hole in the message.
    """

    html: bool
    source: str
    variables: frozenset[str]
    unguarded: frozenset[str]
    _template: Template = field(repr=False)

    def render(self, values: Mapping[str, object]) -> str:
        """The text for these values (plain JSON data). Raises RenderError."""
        check_values(values)
        return self._render(values)

    @property
    def certain(self) -> str | None:
        """The text when it is the same for everybody, else None."""
        return None if "{{" in self.source or "{%" in self.source or "{#" in self.source else self.source

    def _render(self, values: Mapping[str, object]) -> str:
        chunks: list[str] = []
        size = 0
        try:
            context = self._template.new_context(dict(values) | {_BUDGET: _Budget()})
            for chunk in self._template.root_render_func(context):
                chunks.append(chunk)
                size += len(chunk)
                if size > MAX_OUTPUT:
                    raise RenderError(f"the template makes more than {MAX_OUTPUT} characters")
        except RenderError as mistake:
            raise RenderError(mistake.sentence, mistake.line or self._line_of(mistake.__traceback__)) from None
        except Exception as surprise:
            # Whatever a value did to an expression, it is this one message that fails.
            line = self._line_of(surprise.__traceback__)
            sentence = f"the template cannot work with these values ({type(surprise).__name__})"
            raise RenderError(sentence, line) from surprise
        text = "".join(chunks)
        return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")

    def _line_of(self, trace: TracebackType | None) -> int | None:
        while trace:
            if trace.tb_frame.f_code.co_filename == "<template>":
                return self._template.get_corresponding_lineno(trace.tb_lineno)
            trace = trace.tb_next
        return None


_CODE = re.compile(r"\{[{%].*?(?:[}%]\}|\Z)", re.DOTALL)


def compile_template(source: str, *, html: bool, language: str = "en") -> Compiled:
    """Check and compile a template; `html` escapes values and refuses placeholders in unsafe places.

    Dates and amounts are written as in the language.

    Costs milliseconds, so callers keep the result. Raises TemplateError.
    """
    if len(source) > MAX_SOURCE:
        raise TemplateError(1, f"the template has {len(source)} characters; {MAX_SOURCE} are allowed")
    if "\x00" in source:
        raise TemplateError(source.count("\n", 0, source.index("\x00")) + 1, "the template holds a NUL character")
    code = [found.end() - found.start() for found in _CODE.finditer(source)]
    if len(code) > MAX_TAGS or sum(code) > MAX_CODE:
        raise TemplateError(1, f"the template has more than {MAX_TAGS} placeholders, or {MAX_CODE} characters in them")
    engine, compiler = _engine(html, find_language(language)), _Compiler(html)
    try:
        template = Template.from_code(engine, engine.compile(compiler.template(engine.parse(source))), {}, None)
    except TemplateSyntaxError as mistake:
        raise TemplateError(mistake.lineno, mistake.message or "the template cannot be read") from None
    except (RecursionError, MemoryError):
        raise TemplateError(compiler.line or 1, "the template is nested too deeply") from None
    except (SyntaxError, ValueError, OverflowError):
        raise TemplateError(compiler.line or 1, "the template cannot be compiled; make it simpler") from None
    unguarded = compiler.printed - compiler.tested
    return Compiled(html, source, frozenset(compiler.variables), frozenset(unguarded), template)


# ------------------------------------------------------------------------------------------------- message templates


_WHOLE = re.compile(r"\{\{ *([A-Za-z]\w*(?:\.\w+)*) *\}\}")
MAX_LEAVES = 500
MAX_DOCUMENT = 64 * 1024  # bytes of JSON


@dataclass(frozen=True, slots=True)
class CompiledDocument:
    """A JSON document whose texts are templates: what a value holds can never become a part of the document's shape.

    A text that is one placeholder and nothing else becomes the value itself, be it a number, an object or null.
    """

    variables: frozenset[str]
    _document: Any = field(repr=False)

    @property
    def unguarded(self) -> frozenset[str]:
        """What is missing leaves no hole that anybody reads."""
        return frozenset()

    @property
    def certain(self) -> str:
        """The document with nothing in the place of each placeholder: what everybody's has."""
        return _dump(_blank(self._document))

    def _render(self, values: Mapping[str, object]) -> str:
        text = _dump(_fill(self._document, values))
        if excess := _find_excess(text):
            raise RenderError(f"the document {excess}")
        return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _dump(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _find_excess(text: str) -> str:
    size = len(text.encode(errors="replace"))
    return f"has {size:,} bytes; {MAX_DOCUMENT:,} are allowed" if size > MAX_DOCUMENT else ""


@dataclass(frozen=True, slots=True)
class _Whole:
    """A text that is one placeholder: the names that lead to its value."""

    path: tuple[str, ...]


def compile_document(raw: object) -> CompiledDocument:
    """Check and compile a JSON document with placeholders. Raises ValueError with a sentence."""
    if not isinstance(raw, dict | list | tuple) or not raw:
        raise ValueError("must be an object or a list that is not empty")
    leaves: list[Compiled] = []
    document = _compile_node(raw, leaves, "", 0)
    variables: frozenset[str] = frozenset().union(*(leaf.variables for leaf in leaves))
    compiled = CompiledDocument(variables, document)
    if excess := _find_excess(compiled.certain):
        raise ValueError(excess)
    return compiled


def _compile_node(raw: object, leaves: list[Compiled], path: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError(f"is nested more than {MAX_DEPTH} deep")
    if isinstance(raw, Mapping):
        return {str(key): _compile_node(value, leaves, f"{path}.{key}", depth + 1) for key, value in raw.items()}
    if isinstance(raw, list | tuple):
        return [_compile_node(value, leaves, f"{path}[{number}]", depth + 1) for number, value in enumerate(raw)]
    if (isinstance(raw, float) and not isfinite(raw)) or not isinstance(raw, str | int | float | None):
        raise ValueError(f"{path.lstrip('.')}: {str(raw)[:40]!r} is no JSON value")
    if not isinstance(raw, str) or not _CODE.search(raw):
        return raw
    if len(leaves) >= MAX_LEAVES:
        raise ValueError(f"has more than {MAX_LEAVES} texts with placeholders")
    try:
        leaves.append(compile_template(raw, html=False))
    except TemplateError as mistake:
        raise ValueError(f"{path.lstrip('.')}: {mistake}") from None
    whole = _WHOLE.fullmatch(raw)
    return _Whole(tuple(whole[1].split("."))) if whole else leaves[-1]


def _fill(node: Any, values: Mapping[str, object]) -> Any:
    if isinstance(node, Compiled):
        return node._render(values)
    if isinstance(node, _Whole):
        value: Any = values
        for name in node.path:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value
    if isinstance(node, dict):
        return {key: _fill(value, values) for key, value in node.items()}
    return [_fill(value, values) for value in node] if isinstance(node, list) else node


def _blank(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _blank(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_blank(value) for value in node]
    return "" if isinstance(node, Compiled | _Whole) else node


@dataclass(frozen=True, slots=True)
class Rendered:
    """What the channel sends. Mails have `subject`, `html` and `text`; of other channels `parts` are as they came."""

    subject: str
    html: str
    text: str
    parts: Mapping[str, str] = field(default_factory=dict)


_LINE_NOISE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028-\u202e\u2066-\u2069]+")
_BODY = re.compile(r"<body(?:[\s/](?:\"[^\"]*+\"|'[^']*+'|[^>\"'])*+)?>", re.IGNORECASE)
_PREHEADER = '<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">{}</div>'
MAX_SUBJECT = 500
# What an {% if %} leaves behind that shows nothing.
_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*\n")
MOST_LANGUAGES, MOST_CHOICES = 30, 100


Parts = Mapping[str, Compiled | CompiledDocument]


@dataclass(frozen=True, slots=True)
class CompiledMessage:
    """A message template whose parts passed every check.

    `languages` has the parts of its variants in other languages than its own, `choices` what each person sees one case
    of. `blocks` are the saved blocks in what is not built yet. `variables` are the dotted names that its parts read,
    `subjects` what these begin with, such as `contact`.
    """

    id: str
    name: str
    channel: str
    topic: str
    from_: str
    parts: Parts
    stage: str = ""
    to: str = ""
    sales: bool = False
    language: str = "en"
    languages: Mapping[str, Parts] = field(default_factory=dict)
    choices: "tuple[Choice, ...]" = ()
    blocks: tuple[str, ...] = ()
    variables: frozenset[str] = field(init=False)
    subjects: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        variables: frozenset[str] = frozenset().union(*(part.variables for part in self._compiled))
        object.__setattr__(self, "variables", variables)
        object.__setattr__(self, "subjects", frozenset(name.partition(".")[0] for name in variables))

    @property
    def faces(self) -> Mapping[str, Parts]:
        """Its parts in every language, each under the beginning of the path at which it is written."""
        return {"": self.parts, **{f"languages.{key}.": parts for key, parts in self.languages.items()}}

    @property
    def _compiled(self) -> list[Compiled | CompiledDocument]:
        return [part for parts in self.faces.values() for part in parts.values()]

    @property
    def asks(self) -> tuple[str, ...]:
        """The lists of products that it shows."""
        return tuple(name for name in PRODUCTS if name in self.subjects)

    @property
    def reads(self) -> frozenset[str]:
        """The facts that its choices read, and of the coupons of which it shows a code."""
        facts = (case.when.reads for choice in self.choices for case in choice.cases)
        return frozenset(f"coupon:{each}" for each in find_coupons(self.unguarded)).union(*facts)

    def in_language_of(self, find: Callable[[str], object]) -> "CompiledMessage":
        """The variant for somebody, of whose attributes `find` tells; this one when there is none in their language."""
        key = choose_variant(find, (self.language, *self.languages)) if self.languages else None
        return replace(self, parts=self.languages[key], language=key) if key and key in self.languages else self

    @property
    def unguarded(self) -> frozenset[str]:
        """The dotted names that a part prints without a `default`."""
        return frozenset().union(*(part.unguarded for part in self._compiled))

    def render(self, values: Mapping[str, object]) -> Rendered:
        """The message for these values (plain JSON data); a mail without a text part gets one made from its HTML.

        Raises RenderError, whose `part` is that of the template.
        """
        check_values(values)
        done: dict[str, str] = {}
        for key, compiled in self.parts.items():
            try:
                done[key] = compiled._render(values)
            except RenderError as mistake:
                raise RenderError(mistake.sentence, mistake.line, key) from mistake.__cause__
        subject, html, text = _one_line(done.get("subject", "")), done.get("html", ""), done.get("text", "")
        if "subject" in done and not 0 < len(subject) <= MAX_SUBJECT:
            raise RenderError(f"a subject has 1 to {MAX_SUBJECT} characters, this has {len(subject)}", part="subject")
        if "html" not in done:
            done = {key: part.strip() for key, part in done.items()}
            for part in CHANNELS[self.channel].parts:
                if part.required and not done[part.key]:
                    raise RenderError(f"the {part.key} is empty", part=part.key)
            return Rendered(subject, "", text.strip(), done)
        if preheader := _one_line(done.get("preheader", "")):
            body = _BODY.search(html)
            start = body.end() if body else 0
            html = html[:start] + _PREHEADER.format(escape(preheader)) + html[start:]
        text = _BLANK_LINES.sub("\n\n", text).strip() if "text" in done else html_to_text(html)
        return Rendered(subject, html, text)


@lru_cache(maxsize=64)
def _compile_with(html: bool, language: str) -> Callable[[Any], Compiled]:
    @form({"type": "string", "pattern": r"\S"})
    def compile_part(raw: object) -> Compiled:
        if not isinstance(raw, str) or not raw.strip():
            raise ValueError("must be a text that is not empty")
        try:
            return compile_template(raw, html=html, language=language)
        except TemplateError as mistake:
            raise ValueError(str(mistake)) from None

    return compile_part


@form({"type": ["object", "array"]})
def _compile_json(raw: object) -> CompiledDocument:
    return compile_document(raw)


def _compiler_of(form: str, language: str) -> Callable[[Any], Compiled | CompiledDocument]:
    """What reads a part of a template of this form."""
    return _compile_json if form == JSON else _compile_with(form == HTML, language)


def _one_line(text: str) -> str:
    return _LINE_NOISE.sub(" ", text).strip()


def compile_message_template(document: object) -> CompiledMessage:
    """Read a template definition: kind, id, name, channel, topic, from, stage, sales, and the channel's parts (see
    CHANNELS).

    Raises DefinitionError with every mistake, its path and its line.
    """
    reader = Reader(document)
    channel = reader.choice("channel", CHANNELS)
    if not reader.mistakes:
        return read_message_template(reader, CHANNELS[channel])
    # Of which channel the parts are nobody knows; the rest can be read.
    reader.expect("to", *(part.key for each in CHANNELS.values() for part in each.parts))
    _read_head(reader)
    reader.finish()
    raise AssertionError("there was a mistake")


def read_message_template(reader: Reader, channel: Channel) -> CompiledMessage:
    """The template of a document that is one for this channel. Raises DefinitionError like compile_message_template."""
    reader.choice("channel", (channel.key,))
    reader.expect(*BUILT_FROM)
    head, topic, sender, stage, sales = _read_head(reader)
    to = reader.id("to") if channel.to else ""
    language = reader.read("language", parse_tag, "en", "en")
    choices = _read_choices(reader)
    made = _Made([], [])
    parts = _read_parts(reader, channel, language, made)
    languages = {}
    others = reader.find_child("languages")
    for key in others.names() if others else ():
        if others and _is_language(others, key, language):
            languages[key] = _read_parts(others.child(key), channel, key, made)
    if made.choices:
        choices += _read_choices(Reader({"choices": made.choices}))
    compiled = CompiledMessage(
        head.id, head.name, channel.key, topic, sender, parts, stage, to, sales, language, languages, choices,
        tuple(dict.fromkeys(made.used)),
    )  # fmt: skip
    _check_choices(reader, compiled)
    reader.finish()
    return compiled


class _Made(NamedTuple):
    """What building the parts of a template makes beside them: choices, and the saved blocks that it asks for."""

    choices: list[dict[str, Any]]
    used: list[str]


def _is_language(reader: Reader, key: str, own: str) -> bool:
    reader.expect(key)
    if len(reader.names()) > MOST_LANGUAGES:
        reader.mistake(f"has more than {MOST_LANGUAGES} languages")
        return False
    if key == own:
        reader.mistake("is the language of the template itself", key)
        return False
    try:
        return key == ANY or bool(parse_tag(key))
    except ValueError as error:
        reader.mistake(str(error), str(key)[:40])
        return False


# What stands for every language, where one is asked for all there can be (see `schemas`).
ANY = "any"


def _read_parts(reader: Reader, channel: Channel, language: str, made: _Made) -> Parts:
    compiled: dict[str, Compiled | CompiledDocument] = {}
    for part in channel.parts:
        if part.form == HTML:
            compiled |= _read_html(reader, part, language, made)
        elif part.key not in compiled:
            compiled |= _read_part(reader, part, language)
    return compiled


def _read_part(reader: Reader, part: Part, language: str) -> Parts:
    parse = _compiler_of(part.form, language)
    usual = REQUIRED if part.required else None if part.usual is None else parse(part.usual)
    found = reader.read(part.key, parse, None, usual)
    if part.key == "subject" and found and len(_one_line(found.certain or "")) > MAX_SUBJECT:
        reader.mistake(f"must not be longer than {MAX_SUBJECT} characters", part.key)
    return {part.key: found} if found else {}


# In what a mail can be written; but for HTML it is built first (`content.building`).
_WAYS = ("html", "mjml", "blocks")


def _read_html(reader: Reader, part: Part, language: str, made: _Made) -> Parts:
    """The HTML of a mail; of one that is not built yet its text as well, unless it has one."""
    if not reader.has("mjml") and not reader.has("blocks"):
        return _read_part(reader, part, language)
    way = choose(reader, _WAYS, "a mail is written in")
    if way in (None, "html"):
        return {}
    from postroad.content.building import Kit, read_body  # loads MJML, which only who writes mails needs

    body = read_body(reader, Kit(), language, len(made.choices))
    if not body.html:
        return {}
    made.choices.extend(body.choices)
    made.used.extend(body.used)
    html = compile_template(body.html, html=True, language=language)
    if reader.has("text"):
        return {part.key: html}
    return {part.key: html, "text": compile_template(body.text, html=False, language=language)}


def _read_choices(reader: Reader) -> "tuple[Choice, ...]":
    children = reader.children("choices", least=0, most=MOST_CHOICES)
    if not children:
        return ()
    from postroad.content.choices import read_choices  # loads predicates, which few templates need

    return read_choices(children)


def _check_choices(reader: Reader, compiled: CompiledMessage) -> None:
    """A choice that is not there would show nobody anything."""
    there = {choice.id for choice in compiled.choices}
    for name in sorted(compiled.variables):
        root, _, choice = name.partition(".")
        if root == "choice" and choice not in there:
            known = ", ".join(sorted(there)) or "none yet"
            reader.mistake(f"shows the choice {choice[:40]!r}, which is not among its choices; it has {known}")


def _read_head(reader: Reader) -> tuple[Head, str, str, str, bool]:
    """What templates of every channel have: id, name and description, topic, from, stage, sales."""
    return (
        read_head(reader, "template"),
        reader.id("topic", ""),
        reader.read("from", parse_line, "", ""),
        reader.id("stage", ""),
        reader.flag("sales", False),
    )
