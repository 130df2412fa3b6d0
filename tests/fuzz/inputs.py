"""Inputs for a target as hypothesis draws them: seeds that are cut, doubled, mixed and strewn with telling pieces."""

from hypothesis import strategies as st

from tests.fuzz.target import Target

EXTREMES = (
    b"", b"\0", b"\xff", b"\r\n", b"\n", b"-1", b"0", b"65535", b"9" * 25, b"1e400", b"NaN", b"Infinity", b"-0.0",
    b"\xc2\x9b31m", b"\x1b[2J", b"\xe2\x80\xae", b"\xed\xa0\x80", b'"\\ud800"', b"<script>", b"=1+1", b"[[[[[[[[",
)  # fmt: skip
"""Pieces that are hostile to any parser."""


@st.composite
def inputs(draw: st.DrawFn, target: Target) -> bytes:
    """One input: a seed with up to six changes, or bytes of chance."""
    seeds, words = target.seeds(), (*target.words, *EXTREMES)
    if not draw(st.integers(0, 12)):
        return draw(st.binary(max_size=200))
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 6))):
        place = draw(st.integers(0, len(data)))
        length = draw(st.integers(1, 1 << draw(st.integers(0, 8))))
        match draw(st.integers(0, 6)):
            case 0:
                data[place : place + 1] = bytes([draw(st.integers(0, 255))])
            case 1:
                del data[place : place + length]
            case 2:
                data[place:place] = data[place : place + length] * draw(st.integers(1, 4))
            case 3:
                data[place:place] = draw(st.sampled_from(words))
            case 4:
                data[place : place + length] = draw(st.sampled_from(words))
            case 5:
                other = draw(st.sampled_from(seeds))
                begin = draw(st.integers(0, len(other)))
                data[place : place + length] = other[begin : begin + length]
            case _:
                data[place:place] = draw(st.binary(max_size=16))
    return bytes(data[: target.longest])
