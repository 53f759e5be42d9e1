"""Addresses: a street with a number, as Spanish, Portuguese and English write it; postal codes that name a street."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from services.classify.personal_data.finding import Finding, Kind
from services.classify.personal_data.numbers import AMOUNT

# A name's words begin with a capital, but for small words between them; `9 de Julio` is a name too.
_NAME: Final = r"(?:(?:\d{1,2} )?(?:(?:de|del|la|las|los|el|da|do|das|dos|y|e) ){0,2}[A-ZÀ-ÖØ-Þ][\w'’.]*[ ,]{1,2}){1,5}"
_LOOSE_NAME: Final = r"(?:[^\W\d][\w'’.]*[ ,]{1,2}){1,4}"
_STREET: Final = (
    r"(?<!\w)(?i:calle|c/|av(?:enida|da)?\.?|paseo|pasaje|pje\.?|plaza|jir[óo]n|jr\.|calzada|camino|carretera|bulevar|boulevard"
    r"|blvd\.?|rua|r\.|travessa|alameda|pra[çc]a|rodovia|estrada|largo|beco)(?:(?<=[./])|(?!\w)) ?"
)
_MARK: Final = r"(?i:n(?:[°º.]|[ro]{1,2}[.°º]?|[úu]m(?:ero|\.)?)?|#|altura|al)?[ :]?"
_MONTH: Final = (
    r" de (?i:enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|janeiro"
    r"|fevereiro|mar[çc]o|maio|junho|julho|setembro|outubro|novembro|dezembro)"
)
# What follows makes it an amount, a time or another street's name, not a house.
_HOUSE: Final = (
    rf"\d{{1,5}}(?!{AMOUNT})(?! ?(?i:h|m|g|postes?|casas|veh\w+|carros|autos)\b)(?!{_MONTH})"
    r"(?!\d)(?![.,:/]\d)(?!\w{2})"
)
# A flat, a floor, a district's code: part of the address when they follow it.
_REST: Final = (
    r"(?:,? ?(?i:apto?|apartamento|ap|dpto|depto|departamento|piso|int(?:erior)?|bloco|bl|torre|puerta|pta|flat|unit"
    r"|apt|suite)\.? ?#?\w{1,4}(?!\w)|, ?\d{1,2}\.?[º°ªo]? ?(?i:[a-z]|esq|dto|dcha|izq)?\.?(?!\w)"
    r"|,? ?(?i:c\.?p\.?|cep|zip)?:? ?\d{5}(?:-\d{3,4})?(?![\w-]))*"
)
_NORTH: Final = r"(?:[NSEW]{1,2}\.? |North |South |East |West )?"
_WAYS: Final = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Drive|Dr|Lane|Ln|Boulevard|Blvd|Terrace|Crescent|Highway|Hwy|Parkway|Pkwy|Mews)"
)
# Words of other uses too.
_MORE_WAYS: Final = r"(?:Court|Ct|Way|Place|Pl|Close|Square|Circle|Cir|Gardens|Grove|Hill|Row)"

# A capitalised name is enough; a small one needs a word before it that says it is where somebody lives.
_ADDRESS: Final = re.compile(f"{_STREET}{_NAME}{_MARK}{_HOUSE}{_REST}")
_LOOSE: Final = re.compile(f"{_STREET}{_LOOSE_NAME}{_MARK}{_HOUSE}{_REST}", re.IGNORECASE)
# Colombia counts its streets: Calle 45 # 12-34.
_COUNTED: Final = re.compile(
    r"(?<!\w)(?:calle|cll?|carrera|cra|kra?|cr|transversal|tv|diagonal|dg|avenida|av|ac|ak)\.? ?\d{1,3} ?[a-z]{0,2}"
    r"(?: ?(?:bis|sur|norte))? ?(?:#|n[°ºo]?\.?|nro\.?|con)? ?\d{1,3} ?[a-z]?(?: ?(?:sur|norte))? ?- ?\d{1,3}(?![\w-])"
    + _REST
    # La Plata numbers them too: calle 12 nro 456.
    + r"|(?<!\w)(?:calle|av(?:enida|da)?\.?|diagonal) ?\d{1,3} ?(?:n[°º]|nro\.?|n[úu]mero|altura) ?\d{1,5}(?![\w-])"
    + _REST,
    re.IGNORECASE,
)
# Without a word for the street: right after a word that says that somebody lives there.
_HOME: Final = re.compile(
    r"(?<!\w)(?i:viv[oe] en|domicilio|direcci[óo]n(?: es)?|moro n[ao]|morada|endere[çc]o)[ :]{1,2}"
    rf"(?P<home>{_NAME}{_MARK}{_HOUSE}{_REST})"
)
_ENGLISH: Final = re.compile(
    rf"(?<![\w$€£.,:/#-])\d{{1,5}}[A-Za-z]? {_NORTH}(?!(?:Hour|Minute|Day|Mile|Block)s? )"
    rf"(?:[A-Z][\w'’]*\.? ){{1,3}}{_WAYS}(?![\w'’])(?! (?i:stores?|shops?|branch|station)\b){_REST}"
)
_LOOSE_ENGLISH: Final = re.compile(
    rf"(?<![\w$€£.,:/#-])\d{{1,5}}[a-z]? {_NORTH}(?:[a-z][\w'’]*\.? ){{1,3}}(?:{_WAYS}|{_MORE_WAYS})(?![\w'’]){_REST}",
    re.IGNORECASE,
)
_LIVES: Final = re.compile(
    r"(?<!\w)(?:viv[oe]|vivimos|direcci[óo]n|domicilio|resido|moro|moramos|endere[çc]o|morada|mi casa|minha casa"
    r"|entreg(?:a|ar|ue|uen|uem|aron|aram)|env(?:[íi]o|[íi]en|iar|iado|iaron|[íi]enlo|iem)|mand(?:ar|en|em|aron|aram)"
    r"|live|lives|living|address|deliver|delivered|ship|shipped|send|my (?:house|home|place))(?!\w)[^.!?\n]{0,40}$",
    re.IGNORECASE,
)
# A shop, a branch, a stop: a place of everybody.
_PUBLIC: Final = re.compile(
    r"(?<!\w)(?:sucursal|tienda|local|loja|ag[êe]ncia|filial|unidade|branch|store|shop|supermercado|mercado|restaurante?|banco|cajero"
    r"|caixa|gasolinera|posto|estaci[óo]n|esta[çc][ãa]o|station|stop|parada|ponto|paradero|shopping|mall|hotel|oficinas?|sede|office|localizad[ao]|situad[ao]|autorizada|ltda|empresa"
    r"|farmacia|farm[áa]cia|gimnasio|academia|gym|hospital|cl[íi]nica|esquina|corner)(?!\w)[^.!?\n\d]{0,30}$",
    re.IGNORECASE,
)
# A name and a year: these words begin other names too ("R. Kelly 1998").
_YEAR: Final = re.compile(r"(?i:r\.|largo|camino|plaza)[^,]* (?:19|20)\d\d")
# Codes of a street or a few houses. A code of five digits names a district, and counts only within an address.
_POSTAL: Final = re.compile(
    r"(?<!\w)(?:cep\W{1,3}(?:(?:é|do|da|e|o) )?(?P<br>\d{5}-?\d{3})"
    r"|(?:c[óo]d(?:igo|\.)? postal|c\.?p\.?|morada)\W{1,3}(?:é )?(?P<pt>\d{4}-\d{3})"
    r"|post ?code(?: is|:)? ?(?P<gb>[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}))(?![\w-])",
    re.IGNORECASE,
)


def find_addresses(text: str) -> Iterator[Finding]:
    """Streets with a number, but for those of shops and stops; postal codes that are named as such."""
    for pattern, anywhere in (
        (_COUNTED, True),
        (_ENGLISH, True),
        (_ADDRESS, True),
        (_LOOSE, False),
        (_LOOSE_ENGLISH, False),
    ):
        for match in pattern.finditer(text):
            before = text[max(0, match.start() - 60) : match.start()]
            public = _PUBLIC.search(before) or _YEAR.fullmatch(match[0])
            if not public and (anywhere or _LIVES.search(before)):
                yield Finding(Kind.ADDRESS, *match.span())
    for match in chain(_HOME.finditer(text), _POSTAL.finditer(text)):
        start, end = match.span(match.lastgroup or 0)
        if len(set(filter(str.isdigit, text[start:end]))) > 1:
            yield Finding(Kind.ADDRESS, start, end)
