"""Reading the forms of a page, as a browser without scripts does."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class PageForm:
    """A form: where it is posted to, and the values of its fields as the page gave them."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    boxes: set[str] = field(default_factory=set)  # checkboxes that are not ticked

    def values(self, name: str) -> list[str]:
        """All values of a field."""
        return [value for key, value in self.fields if key == name]

    def filled(self, **changes: str) -> dict[str, list[str]]:
        """The fields to post, some of them changed; the first value of a field is replaced."""
        data: dict[str, list[str]] = {}
        for key, value in self.fields:
            data.setdefault(key, []).append(value)
        for key, value in changes.items():
            data[key] = [value, *data.get(key, [])[1:]]
        return data


class _Reader(HTMLParser):
    """Collects forms by id, or by action where one has no id."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: dict[str, PageForm] = {}
        self._form: PageForm | None = None
        self._area: str | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = PageForm(at.get("action", ""))
            self.forms[at.get("id") or at.get("action", "")] = self._form
        elif self._form is not None and tag == "textarea":
            self._area, self._text = at.get("name"), ""
        elif self._form is not None and tag == "input" and at.get("name"):
            kind = at.get("type", "text")
            if kind == "checkbox" and "checked" not in at:
                self._form.boxes.add(at["name"])
                return
            if kind in ("file", "submit"):
                return
            self._form.fields.append((at["name"], at.get("value", "")))

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "textarea" and self._form is not None and self._area is not None:
            # A browser drops the line break right after the opening tag.
            self._form.fields.append((self._area, self._text.removeprefix("\n")))
            self._area = None


def forms(html: str) -> dict[str, PageForm]:
    """The forms of a page by their ids."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.forms
