"""Numbers by which states know people and businesses: identity documents, tax numbers, passports; and bookings."""

from typing import Final

from stdnum.ar import cuit
from stdnum.br import cnpj, cpf
from stdnum.cl import rut
from stdnum.co import nit
from stdnum.do import cedula
from stdnum.ec import ci
from stdnum.ec import ruc as ruc_ec
from stdnum.es import cif, dni, nie
from stdnum.mx import curp, rfc
from stdnum.pe import ruc
from stdnum.pt import cc, nif
from stdnum.us import ssn
from stdnum.ve import rif

from services.classify.personal_data.finding import Kind
from services.classify.personal_data.numbers import ANYWHERE, form, no_amount

_DOCUMENT_NAMES: Final = ("dni", "cedula")


def _person_cuit(compact: str) -> bool:
    return compact[0] == "2" and cuit.is_valid(compact)


def _business_cuit(compact: str) -> bool:
    return compact[0] == "3" and cuit.is_valid(compact)


def _person_rut(compact: str) -> bool:
    # From 50 million on a RUT is a business's.
    return int(compact[:-1]) < 50_000_000 and rut.is_valid(compact)


def _business_rut(compact: str) -> bool:
    return int(compact[:-1]) >= 50_000_000 and rut.is_valid(compact)


def _person_rfc(compact: str) -> bool:
    return rfc.is_valid(compact, validate_check_digits=True)


def _person_ruc(compact: str) -> bool:
    return compact[0] == "1" and ruc.is_valid(compact)


def _business_ruc(compact: str) -> bool:
    return compact[0] == "2" and ruc.is_valid(compact)


def _person_ruc_ec(compact: str) -> bool:
    # The third digit is below 6 for people.
    return compact[2] < "6" and ruc_ec.is_valid(compact)


def _business_ruc_ec(compact: str) -> bool:
    return compact[2] >= "6" and ruc_ec.is_valid(compact)


def _person_nif(compact: str) -> bool:
    return compact[0] in "1234" and nif.is_valid(compact)


def _business_nif(compact: str) -> bool:
    return compact[0] in "56789" and nif.is_valid(compact)


_DOTTED: Final = r"\d{1,3}(?:\.\d{3}){2,3}"
_NIF: Final = r"\d{9}|\d{3}([ .])\d{3}\1\d{3}"
_RUT: Final = r"\d{1,2}\.\d{3}\.\d{3}-?[\dkK]"
_NINO: Final = r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]{}\d\d{}\d\d{}\d\d{}[A-D]"

FORMS: Final = (
    # Brazil
    form(
        Kind.NATIONAL_ID,
        r"\d{3}\.\d{3}\.\d{3}[-./ ]\d{2}|\d{9}-\d{2}",
        cpf.is_valid,
        names=["cpf", "pix"],
        countries=ANYWHERE,
    ),
    form(Kind.NATIONAL_ID, r"\d{11}|\d{3} \d{3} \d{3} ?-? ?\d{2}", cpf.is_valid, names=["cpf", "pix"]),
    form(Kind.NATIONAL_ID, r"\d{1,2}\.?\d{3}\.?\d{3}-?[\dXx]?", names=["rg"]),
    form(
        Kind.TAX_ID,
        r"[\dA-Z]{2}\.[\dA-Z]{3}\.[\dA-Z]{3}/[\dA-Z]{4}-\d{2}",
        cnpj.is_valid,
        names=["cnpj"],
        countries=ANYWHERE,
    ),
    form(Kind.TAX_ID, r"\d{14}|\d{8}/\d{4}-\d{2}|\d{12}-\d{2}", cnpj.is_valid, names=["cnpj", "pix"]),
    # Argentina
    form(Kind.NATIONAL_ID, r"\d{2}[-. /]\d{8}[-. /]\d", _person_cuit, names=["cuit"], countries=ANYWHERE),
    form(Kind.TAX_ID, r"\d{2}[-. /]\d{8}[-. /]\d", _business_cuit, names=["cuit"], countries=ANYWHERE),
    form(Kind.NATIONAL_ID, r"\d{11}|\d{2}-\d{2}\.\d{3}\.\d{3}-\d", _person_cuit, names=["cuit"]),
    form(Kind.TAX_ID, r"\d{11}|\d{2}-\d{2}\.\d{3}\.\d{3}-\d", _business_cuit, names=["cuit"]),
    # Chile
    form(Kind.NATIONAL_ID, _RUT, _person_rut, names=["rut"], countries=ANYWHERE),
    form(Kind.TAX_ID, _RUT, _business_rut, names=["rut"], countries=ANYWHERE),
    form(Kind.NATIONAL_ID, r"\d{7,8}-[\dkK]", _person_rut, names=["rut"], countries=["CL"]),
    form(Kind.NATIONAL_ID, r"\d{7,8}[\dkK]", _person_rut, names=["rut"]),
    form(Kind.TAX_ID, r"\d{8}-?[\dkK]", _business_rut, names=["rut"]),
    # Mexico
    form(
        Kind.NATIONAL_ID,
        r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z\d]\d",
        curp.is_valid,
        names=["curp"],
        countries=ANYWHERE,
        any_case=True,
    ),
    form(Kind.NATIONAL_ID, r"[A-ZÑ&]{4}\d{6}[A-Z\d]{3}", _person_rfc, names=["rfc"], countries=["MX"], any_case=True),
    form(Kind.NATIONAL_ID, r"[A-ZÑ&]{4}-?\d{6}-?(?:[A-Z\d]{3})?", rfc.is_valid, names=["rfc"], any_case=True),
    form(Kind.TAX_ID, r"[A-ZÑ&]{3}-?\d{6}-?[A-Z\d]{3}", rfc.is_valid, names=["rfc"], any_case=True),
    # Spain
    form(
        Kind.NATIONAL_ID,
        r"\d{8}-?[A-Z]|\d{1,2}\.\d{3}\.\d{3}-?[A-Z]",
        dni.is_valid,
        names=["dni", "nif"],
        countries=ANYWHERE,
    ),
    form(Kind.NATIONAL_ID, r"\d{8}[- ]?[A-Z]", dni.is_valid, names=["dni", "nif"], countries=["ES"], any_case=True),
    form(
        Kind.NATIONAL_ID,
        r"[XYZ]-?\d{7}-?[A-Z]",
        nie.is_valid,
        names=["nie", "dni", "nif"],
        countries=ANYWHERE,
        any_case=True,
    ),
    form(Kind.TAX_ID, r"[A-HJNP-SUVW]-?\d{7}-?[\dA-J]", cif.is_valid, names=["nif"], any_case=True),
    # Portugal
    form(Kind.NATIONAL_ID, _NIF, _person_nif, names=["nif"]),
    form(Kind.TAX_ID, _NIF, _business_nif, names=["nif"]),
    form(
        Kind.NATIONAL_ID,
        r"\d{8}[ -]?\d[ -]?[A-Z\d]{2}\d",
        cc.is_valid,
        names=["citizen_card", "cedula"],
        countries=["PT"],
    ),
    form(Kind.NATIONAL_ID, r"\d{8}", names=["citizen_card"]),
    # Colombia, Peru, Ecuador, Venezuela, the Dominican Republic
    form(Kind.TAX_ID, r"\d{9}-\d|\d{3}\.\d{3}\.\d{3}-\d", nit.is_valid, names=["nit"]),
    form(Kind.NATIONAL_ID, r"\d{11}", _person_ruc, names=["ruc"]),
    form(Kind.TAX_ID, r"\d{11}", _business_ruc, names=["ruc"]),
    form(Kind.NATIONAL_ID, r"\d{13}", _person_ruc_ec, names=["ruc"]),
    form(Kind.TAX_ID, r"\d{13}", _business_ruc_ec, names=["ruc"]),
    form(Kind.NATIONAL_ID, r"\d{10}|\d{9}-\d", ci.is_valid, names=_DOCUMENT_NAMES),
    form(Kind.NATIONAL_ID, r"\d{3}-\d{7}-\d", cedula.is_valid, names=["cedula"], countries=["DO"]),
    form(Kind.TAX_ID, r"[VEJPG]-?\d{8}-?\d", rif.is_valid, names=["rif"], any_case=True),
    # Identity documents without check digits, in any country: the word decides.
    form(
        Kind.NATIONAL_ID,
        rf"(?:[VE]-?)?(?:\d{{7,10}}|{_DOTTED}(?:-\d)?|\d{{1,3}}(?: \d{{3}}){{2}})",
        no_amount,
        names=_DOCUMENT_NAMES,
        any_case=True,
    ),
    # The United States and the United Kingdom
    form(Kind.NATIONAL_ID, r"\d{3}([- ])\d{2}\1\d{4}", ssn.is_valid, names=["ssn"], countries=["US"]),
    form(Kind.NATIONAL_ID, r"\d{9}", ssn.is_valid, names=["ssn"]),
    form(Kind.NATIONAL_ID, _NINO.replace("{}", " "), names=["nino"], countries=ANYWHERE),
    form(Kind.NATIONAL_ID, _NINO.replace("{}", " ?"), names=["nino"], countries=["GB"]),
    form(Kind.PASSPORT, r"[A-Z]{0,3}-?\d{6,9}[A-Z]?", no_amount, names=["passport"], any_case=True),
    # What opens a booking of a journey. An order, a case or a parcel is not opened by its number.
    form(Kind.BOOKING, r"\d{3}[- ]?\d{10}", names=["ticket_number"]),
)
