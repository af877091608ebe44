"""The words after `/set ELEMENT` as the element's value, by the format that the element's id tells.

"BCDEdit /set" in Microsoft's documentation: 1, ON, YES, TRUE and 0, OFF, NO, FALSE for booleans; numbers
decimal or 0x; words for numbers that have them (`nx OptIn`); IP addresses with dots; identifiers in
braces; devices as in device_words.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Address
from uuid import UUID

from bootmend.commands.bcdedit.device_words import read_device
from bootmend.commands.bcdedit.identifiers import did_you_mean, resolve
from bootmend.commands.bcdedit.partitions import Partitions
from bootmend.errors import Misuse
from bootmend.formats.bcd import ElementFormat, Store, Value, element_format, element_name, number_of, number_words
from bootmend.texts import say

BOOLEANS = {
    **dict.fromkeys(("on", "yes", "true", "1"), True),
    **dict.fromkeys(("off", "no", "false", "0"), False),
}
IP_ADDRESSES = ("hostip", "hypervisorhostip", "kernelhostip")


def read_integer(text: str, word: str) -> int:
    """A decimal or 0x number of at most 64 bits; Misuse names the word it stands in."""
    digits, base = (text[2:], 16) if text[:2].lower() == "0x" else (text, 10)
    allowed = "0123456789abcdef"[:base]
    if not digits or set(digits.lower()) - set(allowed) or len(digits) > 20 or int(digits, base) >= 1 << 64:
        raise Misuse(say("bcdedit.no_number", word=word))
    return int(digits, base)


def read_value(element: int, object_type: int, words: Sequence[str], store: Store, partitions: Partitions) -> Value:
    """The value for an element of an object of that type. Misuse names the word that does not fit."""
    name = element_name(element, object_type)
    form = element_format(element)
    if form is ElementFormat.OBJECT_LIST:
        return list(dict.fromkeys(resolve(word, store) for word in words))
    if form is ElementFormat.INTEGER_LIST:
        return [read_integer(word, f"{name} {word}") for word in words]
    if form is None:
        raise Misuse(say("bcdedit.no_format", element=name))
    if len(words) != 1:
        raise Misuse(say("bcdedit.one_value", element=name, words=" ".join(words)))
    word = words[0]
    match form:
        case ElementFormat.BOOLEAN:
            if word.lower() not in BOOLEANS:
                raise Misuse(say("bcdedit.no_boolean", element=name, word=word))
            return BOOLEANS[word.lower()]
        case ElementFormat.INTEGER:
            return _integer(element, object_type, name, word)
        case ElementFormat.STRING:
            if "\0" in word:
                raise Misuse(say("bcdedit.no_text", element=name))
            return word
        case ElementFormat.OBJECT:
            return resolve(word, store)
        case ElementFormat.DEVICE:

            def options(identifier: str) -> UUID:
                return resolve(identifier, store)

            return read_device(word, element, partitions, options)
    raise AssertionError(form)


def _integer(element: int, object_type: int, name: str, word: str) -> int:
    number = number_of(element, object_type, word)
    if number is not None:
        return number
    if name in IP_ADDRESSES and "." in word:
        try:
            return int(IPv4Address(word))
        except AddressValueError:
            raise Misuse(say("bcdedit.no_address", element=name, word=word)) from None
    words = number_words(element, object_type)
    if words and not word[:1].isdigit():
        known = ", ".join(words)
        raise Misuse(say("bcdedit.no_word", element=name, word=word, known=known, meant=did_you_mean(word, words)))
    return read_integer(word, f"{name} {word}")
