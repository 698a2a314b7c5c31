import pytest

from channels.text import html_to_text, normalise


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Halo</p>", "Halo"),
        ("<p>satu<br />dua<br>tiga</p><p>empat</p>", "satu\ndua\ntiga\n\nempat"),
        ("<p>5 &lt; 6 &amp; 7 &gt; 6</p>", "5 < 6 & 7 > 6"),
        ("<p>&lt;b&gt;bukan tebal&lt;/b&gt;</p>", "<b>bukan tebal</b>"),
        ("<p>&amp;lt;</p>", "&lt;"),
        ("<p>a</p><script>alert(1)</script><style>p{}</style>", "a"),
        (
            '<a href="u"><span class="invisible">https://</span><span>x.id/</span><b>a</b></a>',
            "https://x.id/a",
        ),
        ('<span class="h-card"><a href="u">@<span>siti</span></a></span> hai', "@siti hai"),
        ("<ul><li>a</li><li>b</li></ul>", "a\n\nb"),
        ("", ""),
    ],
)
def test_html_to_text(html: str, text: str) -> None:
    assert html_to_text(html) == text


def test_normalised_forms_meet() -> None:
    assert normalise("@siti@contoh.id  kafe\u0301\n\nya") == normalise("@siti kaf\u00e9 ya")
    assert normalise("tulis ke siti@contoh.id") == "tulis ke siti@contoh.id"
