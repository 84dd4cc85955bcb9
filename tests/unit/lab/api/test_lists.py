"""A list that is sent where the API wants text (pve-common, PVE::RESTHandler, normalize_legacy_param_formats)."""

from __future__ import annotations

from lab.api.fake import joined_lists

SCHEMA = {
    "properties": {
        "nodes": {"type": "string", "format": "pve-node-list"},
        "map": {"type": "array"},
        "name": {"type": "string", "format": "pve-configid"},
    }
}


def test_only_text_of_a_list_format_is_joined() -> None:
    given = {"nodes": ["a", "b"], "map": ["a", "b"], "name": ["a", "b"], "other": ["a"]}
    assert joined_lists(SCHEMA, given) == {**given, "nodes": "a,b"}
    assert joined_lists(None, given) == given
