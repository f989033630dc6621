"""Dialogues made by grammars over small tables of facts, to tune a very small model on."""
