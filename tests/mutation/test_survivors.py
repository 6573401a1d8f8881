"""The list of excused mutants is read as it is meant."""

from __future__ import annotations

from tests.mutation.survivors import LEDGER, Mutant, excused, mutant, verdict

SHOWN = """# agent.plan._serve.x__left__mutmut_3: survived
--- agent/plan/_serve.py
+++ agent/plan/_serve.py
@@ -1,2 +1,2 @@
     last = observed.last_start
-    return last.count
+    return None
"""
LEFT = Mutant("agent.plan._serve._left", "-    return last.count\n+    return None")


def test_a_mutant_is_known_by_its_function_and_its_change_not_by_its_number():
    assert (
        mutant("agent.plan._serve.x__left__mutmut_3", SHOWN)
        == LEFT
        == mutant("agent.plan._serve.x__left__mutmut_9", SHOWN)
    )


def test_each_excuse_has_a_reason():
    text = LEDGER.read_text()

    assert len(excused(text)) == text.count("\n## ")
    assert all(excused(text).values())


def test_what_is_printed_for_a_survivor_can_be_written_down_as_it_stands():
    assert excused(f"# Title\n\n{LEFT}\nIt is harmless.\n") == {LEFT: "It is harmless."}


def test_a_survivor_without_a_reason_and_a_reason_without_a_survivor_are_both_wrong():
    assert verdict({LEFT}, {LEFT: "harmless"}) == []
    assert verdict({LEFT}, {})[0].startswith("survives")
    assert verdict({LEFT}, {LEFT: ""})[0].startswith("survives")
    assert verdict(set(), {LEFT: "harmless"})[0].startswith("is excused")
