"""Seed texts: English office prose with a moderate amount of made-up personal data.

`seed_text(chars, index)` is the same text on every machine and in every run, exactly `chars` Unicode code
points long, and another text for every index, so that no cache on either side can help.
"""

from __future__ import annotations

import random
from collections.abc import Callable

SIZES_CHARS = (230, 4_600, 13_600)
"""A chat message, a letter or a page of notes, and a report of several pages."""


def _phrases(lines: str) -> list[str]:
    """Phrases between semicolons and line ends."""
    return [phrase.strip() for line in lines.strip().split("\n") for phrase in line.split(";")]


_FIRST = _phrases("""
    Anna;Peter;Maria;James;Olivia;Samuel;Priya;Lukas;Grace;Mateo;Hannah;Viktor;Leila;Thomas;Ingrid
    Daniel;Sofia;Marcus;Aisha;Henry;Clara;Joseph;Nadia;William;Rosa;Patrick;Elena;Andrew;Yuki;Robert
""")
_LAST = _phrases("""
    Kowalski;Miller;Johnson;Svensson;Okafor;Brown;Patel;Schneider;Garcia;Thompson;Larsen;Novak;Rossi
    Walker;Fernandez;Clarke;Becker;Nguyen;Harris;Dubois;Murphy;Jensen;Sharma;Roberts;Moretti;Evans
""")
_PLACES = _phrases("""
    Berlin;Chicago;Lisbon;New York;Toronto;Warsaw;Sydney;Oslo;Madrid;Seattle;Dublin;Cape Town
    California;Norway;Portugal;Vienna;Boston;Singapore
""")
_MONTHS = _phrases("""
    January;February;March;April;May;June;July;August;September;October;November;December
""")
_DOMAINS = ("example.com", "example.org", "mail.example.net", "office.example.co.uk")
_NATIONS = ("German", "Polish", "Canadian", "Norwegian", "Spanish")
_TOPICS = _phrases("""
    the annual report;the delivery schedule;the insurance claim;the loan application;the housing contract
    the clinical study;the travel refund;the server migration;the supplier audit;the training plan
""")

_WITH_DATA = (
    "{person} wrote to us on {date} about {topic} and asked for a short answer in writing.",
    "You can reach {first} under {phone} or by mail at {email} on any working day.",
    "The payment for {topic} was made with card {card} and has not been refunded yet.",
    "{person} and {person} met in {place} to talk about {topic} before the quarter ends.",
    "Please send the signed papers to {person}, {number} {street} Street, {place}.",
    "According to the form, the social security number of the applicant is {ssn}.",
    "The transfer went to the account {iban}, which belongs to {person}.",
    "Someone opened the portal from {ip} at {time} and downloaded {topic}.",
    "As a {nation} citizen, {first} needs a visa before the journey to {place} on {date}.",
    "More about this can be found at https://www.{domain}/cases/{number} until {date}.",
)
_WITHOUT_DATA = (
    "The committee agreed that {topic} should be discussed again when all figures are complete.",
    "Nobody had expected that the second part would take so much longer than the first one.",
    "We compared both offers carefully, and the difference in price turned out to be rather small.",
    "It would help if the phone number and the account holder were checked before the next call.",
    "In general the process works well, although several steps could be shorter and easier to explain.",
    "The team has moved to the new building, so that letters to the old address come back unread.",
    "After a long discussion the proposal was accepted with only two changes to its last section.",
    "Whoever takes over the case should read the earlier notes first and ask when something is unclear.",
    "The heating in the meeting room was repaired, and the lights are going to be replaced next.",
    "All of the documents were copied, sorted by date and put back where they had been found.",
    "There is no reason to hurry, but the answer ought to be friendly, complete and easy to read.",
    "Most of the questions were about costs, a few about quality, and hardly any about the contract itself.",
)


def _phone(rng: random.Random) -> str:
    area, line = rng.randint(201, 989), rng.randint(1000, 9999)
    return rng.choice(
        (f"({area}) 555-{line}", f"+1 {area} 555 {line}", f"+49 30 {rng.randint(100000, 999999)}")
    )


def _card(rng: random.Random) -> str:
    """Sixteen digits of which the last is the Luhn check digit (ISO/IEC 7812-1)."""
    digits = [4, *(rng.randint(0, 9) for _ in range(14))]
    doubled = (sum(divmod(2 * digit, 10)) if place % 2 == 0 else digit for place, digit in enumerate(digits))
    digits.append(-sum(doubled) % 10)
    return " ".join("".join(map(str, digits[start : start + 4])) for start in range(0, 16, 4))


def _iban(rng: random.Random) -> str:
    """A German account number with its check digits (ISO 13616: 98 minus the remainder by 97)."""
    account = f"{rng.randint(10**17, 10**18 - 1)}"
    return f"DE{98 - int(f'{account}131400') % 97:02d}{account}"


def _email(rng: random.Random) -> str:
    return f"{rng.choice(_FIRST)}.{rng.choice(_LAST)}@{rng.choice(_DOMAINS)}".lower()


_SLOTS: dict[str, Callable[[random.Random], str]] = {
    "person": lambda rng: f"{rng.choice(_FIRST)} {rng.choice(_LAST)}",
    "first": lambda rng: rng.choice(_FIRST),
    "street": lambda rng: rng.choice(_LAST),
    "place": lambda rng: rng.choice(_PLACES),
    "date": lambda rng: f"{rng.choice(_MONTHS)} {rng.randint(1, 28)}, {rng.randint(1985, 2026)}",
    "time": lambda rng: f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}",
    "nation": lambda rng: rng.choice(_NATIONS),
    "topic": lambda rng: rng.choice(_TOPICS),
    "number": lambda rng: str(rng.randint(2, 999)),
    "ssn": lambda rng: f"{rng.randint(100, 665)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}",
    "ip": lambda rng: (
        f"{rng.randint(11, 199)}.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"
    ),
    "domain": lambda rng: rng.choice(_DOMAINS),
    "phone": _phone,
    "email": _email,
    "card": _card,
    "iban": _iban,
}


def _sentence(rng: random.Random) -> str:
    """One sentence; three of ten carry personal data."""
    template = rng.choice(_WITH_DATA if rng.random() < 0.3 else _WITHOUT_DATA)
    while (start := template.find("{")) >= 0:
        end = template.index("}", start)
        template = template[:start] + _SLOTS[template[start + 1 : end]](rng) + template[end + 1 :]
    return template


def seed_text(chars: int, index: int) -> str:
    """The `index`-th text of that length: whole sentences, the last one clipped, of `chars` code points."""
    rng = random.Random(f"{chars}/{index}")
    text = f"Note {index + 1}: {_sentence(rng)}"  # the number makes each text another one
    while len(text) < chars:
        text = f"{text} {_sentence(rng)}"
    clipped = text[:chars]
    return clipped if clipped == clipped.rstrip() else f"{clipped.rstrip()}."


def seed_texts(chars: int, start: int, count: int) -> list[str]:
    """`count` different texts, from index `start` on."""
    return [seed_text(chars, index) for index in range(start, start + count)]
