"""Groups that cannot be: the message says which, why, and what to write."""

from __future__ import annotations

import ast
import keyword

import pytest
from support.command import Lightgen

HOW = "write NAME:RATE, for example backbone:1e-4 (or NAME:x0.1, NAME:freeze)"
WHAT = "write a rate (1e-4), a factor (x0.1), freeze or key=value"
RENAME = "give the group another name"
PATTERN = "write a module path, glob or re:..."

MALFORMED = {
    "": f"--groups: a group is empty; {HOW}",
    ",": f"--groups: a group is empty; {HOW}",
    "a:1,": f"--groups: a group is empty; {HOW}",
    "a:1,,b:1": f"--groups: a group is empty; {HOW}",
    "backbone": f"--groups: cannot read group 'backbone'; {HOW}",
    "backbone:": f"--groups: cannot read group 'backbone:'; {HOW}",
    ":1e-3": f"--groups: cannot read group ':1e-3'; {HOW}",
    "a:1,1e-3": f"--groups: cannot read group '1e-3'; {HOW}",
    "a=:1": "--groups: group 'a' has an empty pattern; write one",
    "a:fast": f"--groups: group 'a': 'fast' is not a rate; {WHAT}",
    "a:-1e-3": f"--groups: group 'a': the rate '-1e-3' is negative; {WHAT}",
    "a:nan": f"--groups: group 'a': 'nan' is not a finite rate; {WHAT}",
    "a:inf": f"--groups: group 'a': 'inf' is not a finite rate; {WHAT}",
    "a:1e999": f"--groups: group 'a': '1e999' is not a finite rate; {WHAT}",
    "a:x": f"--groups: group 'a': 'x' is not a rate; {WHAT}",
    "a:x-1": f"--groups: group 'a': the rate 'x-1' is negative; {WHAT}",
    "a:xnan": f"--groups: group 'a': 'xnan' is not a finite rate; {WHAT}",
    "a:1;2": f"--groups: group 'a': lr is set twice; {WHAT}",
    "a:1,lr=2": f"--groups: group 'a': lr is set twice; {WHAT}",
    "a:1,eps=": f"--groups: group 'a': 'eps=' is not key=value; {WHAT}",
    "a:1,=3": f"--groups: group 'a': '=3' is not key=value; {WHAT}",
    "a:frozen": f"--groups: group 'a': 'frozen' is not a rate; {WHAT}",
    "a:1,a:2": "--groups: group 'a' stands twice; give each group one name",
}


@pytest.mark.parametrize("groups", MALFORMED)
def test_a_malformed_group_is_told(lightgen: Lightgen, groups: str) -> None:
    assert lightgen.refused("new", "run", "--groups", groups) == [MALFORMED[groups]]


IMPOSSIBLE = {
    "forward:1": f"groups.forward: every nn.Module has a 'forward' already; {RENAME}",
    "training:1": f"groups.training: every nn.Module has a 'training' already; {RENAME}",
    "parameters:1": f"groups.parameters: every nn.Module has a 'parameters' already; {RENAME}",
    "no_weight_decay:1": "groups.no_weight_decay: "
    f"every nn.Module has a 'no_weight_decay' already; {RENAME}",
    "_head:1": "groups._head: '_head' starts with an underscore, as private members do; " + RENAME,
    "stra\u00dfe:1": f"groups.stra\u00dfe: 'stra\u00dfe' is no Python identifier; {RENAME}",
    "*.bias:1": "groups.*.bias: '*.bias' is no group name (letters, digits, '_', '.' and '-'); "
    "name it: NAME=PATTERN:SETTING",
    "a=re:(:1": "groups.a.match: 're:(' is no regular expression "
    f"(missing ), unterminated subpattern at position 0); {PATTERN}",
    "a=re:x{99999999999}:1": "groups.a.match: 're:x{99999999999}' is no regular expression "
    f"(the repetition number is too large); {PATTERN}",
    "a=re:[[x]:1": "groups.a.match: 're:[[x]' is no regular expression "
    f"(Possible nested set at position 1); {PATTERN}",
    "a=re::1": f"groups.a.match: the regular expression is empty; {PATTERN}",
    "a=b c:1": f"groups.a.match: 'b c' is no module path or glob; {PATTERN}",
    "a=b..c:1": f"groups.a.match: 'b..c' has an empty part; {PATTERN}",
    "rest:1,head:1": "groups.rest: rest stands before other groups; put it last",
    "rest=a:1": "groups.rest: rest is what no other group matches; name the group otherwise",
    "a:freeze": "groups: every group is frozen: nothing is left to train; train one",
    "a:freeze,rest:freeze": "groups: every group is frozen: nothing is left to train; train one",
    "a:freeze;lr=1,b:1": "groups.a: a frozen group takes no other setting; "
    "remove freeze or the rest",
    "a:1,b=a:1": "groups.b: everything that it matches belongs to group 'a' before it; "
    "put the narrower group first",
    "a:1,b=a.0:1": "groups.b: everything that it matches belongs to group 'a' before it; "
    "put the narrower group first",
    "x=a:1,y=[a,a.1]:1": "groups.y: everything that it matches belongs to group 'x' before it; "
    "put the narrower group first",
    "a:1,weight_decay=much,b:1": "groups.a.weight_decay: 'much' is not a number; it takes [0, inf)",
    "a:1,weight_decay=-1,b:1": "groups.a.weight_decay: -1 is less than 0; it takes [0, inf)",
    "a:1,weight_decay=nan,b:1": "groups.a.weight_decay: nan is not a finite number; "
    "it takes [0, inf)",
    "a:1,betas=[0.9],b:1": "groups.a.betas: [0.9] has 1 entries, not 2; it takes [0, 1)",
    "a:1,beta=0.9,b:1": "groups.a.beta: AdamW has no argument 'beta'; did you mean 'betas'?",
    "a:1,fused=true,b:1": "groups.a.fused: AdamW has no argument 'fused'; "
    "known: amsgrad, betas, eps, maximize, weight_decay",
}  # fmt: skip


@pytest.mark.parametrize("groups", IMPOSSIBLE)
def test_an_impossible_group_is_told(lightgen: Lightgen, groups: str) -> None:
    message = IMPOSSIBLE[groups]
    told = lightgen.refused("new", "run", "--groups", groups)
    assert message in told
    # Behind a rest that comes too early every group is hidden: that is said too.
    assert len(told) == 1 or groups.startswith("rest:")


@pytest.mark.parametrize("name", [*keyword.kwlist])
def test_no_keyword_names_a_group(lightgen: Lightgen, name: str) -> None:
    assert lightgen.refused("new", "run", "--groups", f"{name}:1,head:1") == [
        f"groups.{name}: '{name}' is no Python identifier; {RENAME}"
    ]


CODE = [
    'x"];import os;[',
    "x\nimport os",
    "x'",
    "x}}",
    "{{x}}",
    "{% raw %}",
    "x#",
    "x\\",
    'x"""',
    "x\x1b[31m",
    "x\u2028y",
    "lambda: 0",
    "__import__('os')",
    "a b",
    "a/b",
    "a,b",
]


@pytest.mark.parametrize("name", CODE)
def test_no_code_names_a_group(lightgen: Lightgen, name: str) -> None:
    told = lightgen.refused("new", "run", "--set", f"groups.{quoted(name)}.lr=1")
    assert "is no group name (letters, digits, '_', '.' and '-')" in told[0]


@pytest.mark.parametrize("pattern", [code for code in CODE if "," not in code])
def test_no_code_is_a_pattern(lightgen: Lightgen, pattern: str) -> None:
    told = lightgen.refused(
        "new", "run", "--set", f"groups.a.match='{pattern}'", "--set", "groups.rest.lr=1"
    )
    assert told[0].startswith("groups.a.match: ")
    assert told[0].endswith(f" is no module path or glob; {PATTERN}")


def quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'


def test_what_a_terminal_would_obey_is_shown_escaped(lightgen: Lightgen) -> None:
    told = lightgen.refused("new", "run", "--groups", "x\x1b[31m\ny:1")
    assert told[0].startswith("groups.x\\x1b[31m\\ny: 'x\\x1b[31m\\ny' is no group name")


ONE_GROUP = "keep one group, freeze the others, or choose another optimizer"


def test_lbfgs_takes_one_group(lightgen: Lightgen) -> None:
    words = ("new", "run", "--optimizer", "lbfgs", "--groups")
    assert lightgen.refused(*words, "a:1,b:1,c:freeze") == [
        f"groups: LBFGS takes one parameter group, not a, b; {ONE_GROUP}"
    ]
    assert lightgen.refused(*words, "a:1,tolerance_grad=0") == [
        "groups.a: LBFGS takes its arguments once, not per group; move them to [optimizer]"
    ]
    lightgen.done(*words, "a:1,b:freeze")


def test_sparse_adam_takes_no_rate_of_zero(lightgen: Lightgen) -> None:
    words = ("new", "run", "--optimizer", "sparseadam", "--groups", "a:0,b:1")
    assert lightgen.refused(*words) == [
        "groups.a.lr: 0.0 is not more than 0; write a rate such as 1e-4"
    ]


def test_all_problems_of_the_groups_are_told_at_once(lightgen: Lightgen) -> None:
    assert lightgen.refused("new", "run", "--groups", "a,b:fast,c:1,c:2,d:-1") == [
        f"--groups: cannot read group 'a'; {HOW}",
        f"--groups: group 'b': 'fast' is not a rate; {WHAT}",
        "--groups: group 'c' stands twice; give each group one name",
        f"--groups: group 'd': the rate '-1' is negative; {WHAT}",
    ]


def test_a_regular_expression_of_absurd_depth_is_told(lightgen: Lightgen) -> None:
    told = lightgen.refused("new", "run", "--groups", f"a=re:{'(' * 3000}{')' * 3000}:1,rest:1")
    assert "is no regular expression (maximum recursion depth exceeded" in told[0]


def test_a_frozen_path_with_a_keyword_is_refused_or_gives_code_that_parses(
    lightgen: Lightgen,
) -> None:
    lightgen.done("new", "run", "--groups", "stem=stem.class:freeze,rest:1")
    ast.parse((lightgen.folder / "run/src/run/module.py").read_text())
