"""Records as bytes of the log: JSON, compressed against what all records share."""

from __future__ import annotations

import zlib

_PLAIN, _FIRST = b"\x00", b"\x01"
"""How a packed record begins: as it is, or compressed with the first dictionary."""
_LEVEL = 6
_DICTIONARY = (
    b'{"id":"ev_01a2","kind":"supersede","kind":"restore","kind":"correct","kind":"retire","item_id"'
    b':"item_01a2","at":17,"reason":"","source":"local","detail":""}'
    b'{"id":"item_01a2","project":"global","project":"default","kind":"pitfall","kind":"strategy",'
    b'"kind":"fact","kind":"preference","title":"","content":"","description":"","task":"","tags":[]'
    b',"evidence":"","source":"local","trust":1.0,"supersedes":"","derived_from":[],"outcome_id":"'
    b'out_01a2","content_hash":"","created_at":17,"embedder":"","state":"active"}'
    b'{"id":"out_01a2","project":"","outcome":"failure","outcome":"success","reported":"failure",'
    b'"reported":"success","reward":1.0,"reward":0.0,"strength":0.7,"strength":1.0,"at":17,'
    b'"recall_id":"rec_01a2","task":"","session":"","source":"local","why":"as reported, without '
    b'evidence","used":null,"used":["item_01a2"],"helpful":[],"harmful":[],"credits":[{"item_id":"'
    b'item_01a2","value":0.7,"weight":1.0},{"item_id":"item_01a2","value":-0.4,"weight":0.3}],'
    b'"error":"","error_normalised":"","error_class":"","fingerprint":"","signature_id":"","evidence'
    b'":"","steps":[],"attempt_group":"","report_id":"","supersedes":"","trust":1.0,"held_out":false'
    b',"held_out":true}'
    b'{"id":"rec_01a2","project":"","task":"","at":17,"context":"","error":"","session":"","source":'
    b'"local","door":"prompt","door":"check","door":"recall","candidates":[{"item_id":"item_01a2",'
    b'"position":0,"score":1.0,"similarity":0.3,"experts":[-0.1,0.0,0.0,0.0,0.0,0.0,0.0],"'
    b'evidence_mass":0.0,"propensity":1.0,"place":0},{"item_id":"item_01a2","position":1,"score":0.2'
    b',"similarity":0.1,"experts":[0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0],"evidence_mass":0.0,'
    b'"propensity":1.0,"place":1}],"mode":"keyword","mode":"learned","mode":"similarity","weight":1.0,'
    b'"scorer_version":"","holdout":0.0,"facts":"fused dense keyword consensus structure names '
    b'evidence standing advice network pair relevance near agreement words rarest whole crowd"}'
)
"""Never changed: what was packed with it is read with it. Another one gets another number."""


def packed(content: bytes) -> bytes:
    """Give the bytes that `unpacked` gives `content` for, fewer where that pays."""
    work = zlib.compressobj(_LEVEL, zdict=_DICTIONARY)
    small = work.compress(content) + work.flush()
    return _FIRST + small if len(small) < len(content) else _PLAIN + content


def unpacked(content: bytes) -> bytes:
    """Give what was packed.

    Raises:
        ValueError, zlib.error: It is damaged, or of a later lessonbank.
    """
    kind, rest = content[:1], content[1:]
    if kind == _PLAIN:
        return rest
    if kind != _FIRST:
        raise ValueError(f"a record that begins with {kind!r} is of a later lessonbank")
    work = zlib.decompressobj(zdict=_DICTIONARY)
    return work.decompress(rest) + work.flush()
