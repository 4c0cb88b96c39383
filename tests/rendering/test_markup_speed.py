"""What docutils is spared changes no HTML, and leaves little to the garbage collector."""

import json
import subprocess
import sys
from pathlib import Path

from webapp.rendering import markup

PARTED = """\
Title
=====

* one

  - two
  - *three*

    1. four

Another
-------

`Title`_ "quoted"
%
+---+---------+
| a | * b     |
|   |         |
|   |   quote |
+---+---------+
| c | d       |
+---+---------+

=====  =====
one    two
=====  =====
1      ``2``
=====  =====
%
::

    literal

.. code:: python

   x = 1

>>> 1 + 1
2
%
:field: one
:other: two

term : class
    definition

-o FILE  option
--long   another

| line
|   block
%
.. note::

   A note with a list:

   #. one
   #. two

.. |s| replace:: *text*

|s| and [1]_ and [CIT]_

.. [1] A footnote.
.. [CIT] A citation.

.. figure:: https://example.org/a.png

   caption
%
.. role:: own(emphasis)

:own:`text` and::

> quoted
> text

A paragraph.

    quote

    -- somebody
%
refused
===

* unfinished *emphasis
"""
TEXTS = PARTED.split("%\n")
# Renders by what docutils does of its own, too.
PROGRAM = """
import json, runpy, sys
from docutils import nodes
from docutils.statemachine import State, StateMachine
before = StateMachine.add_states, State.unlink, nodes.Node._fast_findall
namespace = runpy.run_path(sys.argv[1])
texts = json.load(sys.stdin)
spared = [namespace["render"](text, "rst") for text in texts]
assert StateMachine.add_states is not before[0]
StateMachine.add_states, State.unlink, nodes.Node._fast_findall = before
json.dump([spared, [namespace["render"](text, "rst") for text in texts]], sys.stdout)
"""
# Counts what only the garbage collector can free: docutils by itself leaves more than a thousand objects a text.
COUNTER = """
import gc, json, runpy, sys
render = runpy.run_path(sys.argv[1])["render"]
texts = json.load(sys.stdin)
for text in texts:
    render(text, "rst")
gc.collect()
gc.disable()
for text in texts:
    render(text, "rst")
print(gc.collect() / len(texts))
"""


def _run(program: str, texts: list[str]) -> str:
    command = [sys.executable, "-c", program, str(Path(markup.__file__))]
    return subprocess.run(command, input=json.dumps(texts), check=True, stdout=subprocess.PIPE, text=True).stdout


def test_html_is_what_docutils_makes_of_its_own() -> None:
    spared, usual = json.loads(_run(PROGRAM, TEXTS))

    assert spared == usual
    assert sum(html is not None for html in spared) >= 6


def test_little_is_left_to_the_garbage_collector() -> None:
    left = float(_run(COUNTER, TEXTS[:-1]))

    assert left < 200
