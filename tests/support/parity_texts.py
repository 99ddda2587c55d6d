"""Texts for the parity cases: many scripts, odd characters, personal data of every kind, made up."""

from __future__ import annotations

import random
from collections.abc import Callable

PLAIN = (
    "My name is John Smith and I live in Boston.",
    "Call me on 212-555-0199 or +44 20 7946 0958 before Monday at 10:30.",
    "His card 4111 1111 1111 1111 and his email john.smith@example.com were on file.",
    "The IBAN DE89370400440532013000 belongs to Anna-Lena Müller, born 03/12/1980.",
    "SSN 078-05-1120, ITIN 912-70-1234, passport 912803456, driver license A1234567.",
    "Bitcoin wallet 16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ, bank account 945456787654.",
    "Visit https://www.example.com/a?b=c or http://10.0.0.1:8080, mac 00:1A:2B:3C:4D:5E.",
    "IPs 192.168.0.1, 2001:db8::ff00:42:8329 and ::1; id 123e4567-e89b-42d3-a456-426614174000.",
    "NHS number 943 476 5919, medical license DEA AB1234563.",
    "The American Maria Garcia met Wei Chen; then Mr. O'Brien left for New York yesterday.",
    "2024-02-29T12:30:00Z 29/02/2024 2024/2/29 29-FEB-2024 Feb 29, 2024",
    "Dr. Ahmed Khan\nLondon\nPhone: 020 7946 0958\nEmail: a.khan@nhs.example.co.uk",
)

SCRIPTS = (
    "Меня зовут Иван Петров, мой телефон +7 495 123-45-67, почта ivan@пример.рф.",
    "اسمي محمد علي وأعيش في القاهرة، هاتفي ٠٢٠١٢٣٤٥٦٧٨ وبريدي ali@example.com.",
    "שמי דוד כהן, הטלפון שלי 03-1234567 והדואר david@example.co.il בתל אביב.",
    "私の名前は山田太郎です。電話は03-1234-5678、メールはtaro@example.jpです。",
    "我叫王伟，住在北京，电话 010-12345678，卡号 4111111111111111。",
    "제 이름은 김민수이고 전화번호는 02-123-4567, 이메일은 kim@example.kr 입니다.",
    "मेरा नाम राज शर्मा है, फ़ोन +91 22 2272 5000, ईमेल raj@example.in",
    "ผมชื่อสมชาย โทร 02-123-4567 อีเมล somchai@example.th",
    "Με λένε Γιώργος, τηλ. +30 210 1234567, mail giorgos@example.gr",
    "Ich heiße Jürgen Groß, wohne in Köln und bin unter 0221/1234567 erreichbar.",
    "Je m'appelle Éloïse, né le 12/05/1990 à Orléans, tél. 01 42 68 53 00.",
    "👩‍💻 Jane 🇺🇸 pays 💳 4111-1111-1111-1111 📧 jane@example.com ☎️ (212) 555-0199 🎉",
    "Zażółć gęślą jaźń: Łukasz Żak, ul. Długa 5, 00-238 Warszawa, tel. +48 22 123 45 67",
)

ODD = (
    " ",
    "   \n\t  ",
    ".",
    "!!! ... ---",
    "0",
    "a",
    "\u0000John\u0000Smith\u0000",
    "John\u200bSmith\u200d lives\u00adhere",
    "\u202eJohn Smith\u202c \u2066212-555-0199\u2069",
    "e\u0301\u0301\u0301 cafe\u0301 Zo\u0308e",
    "\ufeffJohn Smith\ufeff",
    "line one\r\nline two\rJohn\u2028Smith\u2029end\x0b\x0c\x1f",
    "x" * 3000,
    "John Smith " * 150,
    "1" * 400,
    "4111 1111 1111 1111 " * 20,
    "a@b.co " * 60,
    "(((((((((([[[[[[{{{{{{",
    "''''\"\"\"\"````",
    "\U0001f600" * 200,
    "ＪＯＨＮ　ＳＭＩＴＨ ４１１１１１１１１１１１１１１１ ｊｏｈｎ＠ｅｘａｍｐｌｅ．ｃｏｍ",
    "john.smith@localhost john@xn--80ak6aa92e.com JOHN@EXAMPLE.COM a@b j@example.notatld",
    "http://a http://example.com/" + "a" * 500 + " www.x.yz",
    "Mr.\nJohn\n\n\nSmith\n\n\n\nin\nBoston\n",
    "12:30 12/30 12.30 12-30 2012-01-02 08:00 1.2.3.4.5.6 255.255.255.255 256.256.256.256",
    "credit card: 4111 1111 1111 1111x 4111-1111-1111-1112 5500005555555559 340000000000009",
    "phone phone phone 2125550199 number cell 2125550199 mobile call 2125550199",
    "ssn 078051120 social 078-05-1120 ssn: 000-12-3456 666-12-3456 123-45-6789",
)

_FIRST = ("John", "Maria", "Wei", "Ahmed", "Olga", "Anna-Lena", "Bob", "Zoë", "O'Neil", "Иван", "太郎")
_LAST = ("Smith", "Garcia", "Chen", "Khan", "Petrova", "Müller", "de la Cruz", "MacDonald", "Ng")
_PLACES = ("London", "New York", "Paris", "Berlin", "Tel Aviv", "San Francisco, California", "Québec", "北京")
_TEMPLATES = (
    "{first} {last} lives in {place}.",
    "{first} {last}\n{place}\nPhone {phone}",
    "Call {first} on Monday, March 3rd 2020. {last} is in {place}",
    "{place}. {first}. {last}.",
    "The American {first} met {last}; Then {place} said no! {phone}",
    "Contact: {first} {last} Email: {mail} Address: 12 Main St, {place} Date: {date} Name: {last}",
    "my {word} is {number} and my {word} {number}",
    "{word}: {number}, {mail}; {ip} / {date}",
    "pay {card} to {iban} ({word})",
    "{word} {word} {word} {phone} {word} {card}",
)
_WORDS = (
    "card",
    "bank",
    "phone",
    "ssn",
    "account",
    "passport",
    "license",
    "wallet",
    "email",
    "ip",
    "number",
    "the",
)


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


_SLOTS: dict[str, Callable[[random.Random], str]] = {
    "first": lambda rng: rng.choice(_FIRST),
    "last": lambda rng: rng.choice(_LAST),
    "place": lambda rng: rng.choice(_PLACES),
    "word": lambda rng: rng.choice(_WORDS),
    "phone": lambda rng: rng.choice(
        (
            f"{_digits(rng, 3)}-{_digits(rng, 3)}-{_digits(rng, 4)}",
            f"+{rng.choice(('1', '44', '49', '972'))} {_digits(rng, 9)}",
            f"({_digits(rng, 3)}) 555-{_digits(rng, 4)}",
            f"0{_digits(rng, 3)}/{_digits(rng, 6)}",
        )
    ),
    "mail": lambda rng: (
        f"{rng.choice(_WORDS)}.{_digits(rng, 2)}@{rng.choice(('example.com', 'a.co.uk', 'x.yz'))}"
    ),
    "ip": lambda rng: ".".join(str(rng.randint(0, 300)) for _ in range(4)),
    "date": lambda rng: f"{rng.randint(1, 13)}/{rng.randint(1, 31)}/{rng.randint(1950, 2030)}",
    "card": lambda rng: rng.choice(("4111111111111111", "5555 5555 5555 4444", f"4{_digits(rng, 15)}")),
    "iban": lambda rng: rng.choice(
        ("GB33BUKB20201555555555", "DE89 3704 0044 0532 0130 00", f"FR{_digits(rng, 25)}")
    ),
    "number": lambda rng: _digits(rng, rng.randint(4, 14)),
}


def made_text(rng: random.Random) -> str:
    """One to six sentences of templates, filled at random."""
    return " ".join(_made_sentence(rng) for _ in range(rng.choice((1, 1, 2, 3, 6))))


def _made_sentence(rng: random.Random) -> str:
    sentence = rng.choice(_TEMPLATES)
    while (start := sentence.find("{")) >= 0:
        end = sentence.index("}", start)
        sentence = sentence[:start] + _SLOTS[sentence[start + 1 : end]](rng) + sentence[end + 1 :]
    return sentence
