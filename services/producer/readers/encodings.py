"""Finds files and streams in another encoding than UTF-8, and names the encoding."""

from shared.errors import InputRefused

BOM = b"\xef\xbb\xbf"
_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
# Without a mark: JSON begins with ASCII characters, and UTF-8 has no zero bytes in it.
_ZEROS: dict[tuple[int, ...], str] = {
    (0, 1, 1, 1): "UTF-32LE",
    (1, 1, 1, 0): "UTF-32BE",
    (0, 1, 0, 1): "UTF-16LE",
    (1, 0, 1, 0): "UTF-16BE",
    (0, 1, 0, 0): "UTF-16LE",
    (1, 0, 0, 0): "UTF-16BE",
    (1, 0, 0, 1): "UTF-16BE",
    (0, 1, 1, 0): "UTF-16LE",
}


def check_encoding(head: bytes, name: str) -> None:
    """head: the first four bytes, or fewer at the end. Error: InputRefused when they cannot be UTF-8."""
    found = next((encoding for mark, encoding in _MARKS.items() if head.startswith(mark)), None)
    found = found or _ZEROS.get(tuple(int(byte == 0) for byte in head[:4]))
    if found is not None:
        hint = f"the file is {found[:6]}; make it UTF-8: iconv -f {found} -t UTF-8 FILE > UTF8_FILE"
        raise InputRefused("wrong_encoding", name, hint)
