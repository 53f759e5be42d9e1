"""What the words beside a number say it is.

A number takes the name that stands nearest before it, with no other number in between, else one that follows it at
once: "mi DNI es 30111222", "30111222 es mi DNI". Names of things that give nothing away (an order, a case, a meter)
count as well: they keep a number from being taken for what it only looks like.
"""

import re
from bisect import bisect_right
from typing import Final

# Stands in a text for what was found in it already.
FOUND: Final = "\1"

# The number is another thing's.
OTHER: Final = "other"
# The number is one that the customer has called, or was called from: the brand's, or a fraud's.
THEIRS: Final = "theirs"

# Characters between a name and its number.
_REACH: Final = 40
# A name does not reach over a line's end, nor over another number: that has its own.
_BARRIER: Final = re.compile(rf"[\d\n{FOUND}]")
# But for the line's end right behind it: what a form asks stands above the answer.
_LINE_ABOVE: Final = re.compile(r" ?(?:es|é|is)? ?:?[ \r]*\n")
# A name of another thing binds only its neighbour: in "reclamo hecho, 11 4444-5555" it names nothing.
_OTHER_GAP: Final = re.compile(r"[^,;\n]{0,24}")
# So much may stand between a number and the name that follows it.
_AFTER: Final = re.compile(
    r"[\s,(:;-]{0,3}(?:(?:(?:ese|este|esse|that|this) )?(?:es el|es mi|es|é o meu|é meu|é|is|de|do|da) )?"
    r"(?P<whose>(?:el|mi|o|meu|my) )?"
)

# Patterns by what they name. Tried in this order at each place, so that what is more exact comes first.
_NAMES: Final = {
    "tel_me": (
        r"ll[áa]m(?:[ae]n?|ad|ar)me|m[áa]r(?:car?|quen?)me|lig(?:ue|a|uem|ar) (?:pra|para) mim"
        r"|(?:call|text|reach|ring|phone|message|contact) me"
        r"|me (?:pueden? |podr[íi]an? |podem? )?(?:(?:llam|lig|cham|contact|escrib)\w+|marc\w+ al?)"
        r"(?!\w| (?:del?|desde|d[oa])(?!\w))"
    ),
    THEIRS: (
        r"(?:llam[oóeé]|llamamos|llamando|llamar|marc[oó]|marqu[eé]|marcando|lig(?:o|uei|amos|ando|ar)|telefonei"
        r"|(?:i |we )?(?:called|calling|rang|phoned|dial+ed)|call (?:your|the|this))\b"
        r"(?: (?:\w+ )?(?:al?|no|ao|para|pro|pra|o|to|on|your|the|this|tel[ée]fono|n[úu]mero|telefone|number))*"
        r"|(?:llam|escrib|lig|mand)\w+ (?:del?|desde|d[oa]|pelo)"
        r"|(?:mensaje|mensagem|sms|call|text|message)(?:s|ed)? (?:from|del?|desde|d[oa])"
        r"|atenci[óo]n al cliente|atendimento|call ?cent(?:er|re)|customer (?:service|care)|helpline|hotline"
        r"|l[íi]nea (?:de atenci[óo]n|gratuita)|central (?:de|telef[óo]nica)|conmutador|su n[úu]mero"
        r"|your (?:number|phone)"
    ),
    OTHER: (
        r"(?:cuenta|conta) de (?:luz|agua|água|gas|gás|internet|energia|tel[ée]fone)|balance"
        r"|pedidos?|orden|order|tickets?|case|casos?|folios?|protocolos?|protocol|chamados?|gu[íi]as?|rastre[oi]o?"
        r"|tracking|env[íi]o|encomenda|shipment|parcel|radicado|reclam[oa]s?|reclamaci[óo]n|reclama[çc][ãa]o|pqr"
        r"|client[ea]?|customer|consumer|cuenta contrato|conta contrato|contrat\w+|contract\w*|suministro|medidor"
        r"|meter|hidr[ôo]metro|matr[íi]cula|factura|fatura|invoice|nota(?: fiscal)?|nf-?e?|boletas?|comprobante"
        r"|comprovante|recibo|receipt|voucher|ref(?:er[êe]nci?a|erence)?|c[óo]d(?:igo)?|code|serie|s[ée]rie|serial"
        r"|imei|iccid|operaci[óo]n|opera[çc][ãa]o|op|nsu|autoriza\w+|transacci[óo]n|transa[çc][ãa]o|transaction"
        r"|p[óo]liza|ap[óo]lice|policy|siniestro|sinistro|claim|expediente|processo|lectura|leitura|usuari[oa]"
        r"|usu[áa]ri[oa]|user(?:name)?|model[o]?|versi[óo]n|vers[ãa]o|version|vuelo|voo|flight|error|erro|sku|ean"
        r"|isbn|barras|barcode|instala[çc][ãa]o|cpe|cups|nis|nic|servi(?:cio|[cç]o|ce)|patente|placas?|lote|batch"
        r"|part|saldo|monto|valor|total|precio|pre[çc]o|price|puntos|pontos|points|followers|seguidores|incidencia"
        r"|incidente|incident"
    ),
    "clabe": r"clabe(?: interbancaria)?",
    "cci": r"cci|c[óo]digo de cuenta interbancari[oa]",
    "cbu": r"cbu|cvu",
    "alias": r"alias(?: (?:de )?(?:cbu|cvu))?",
    "pix": r"(?:chave )?pix",
    "sort_code": r"sort ?codes?",
    "routing": r"routing(?: (?:number|no))?|aba",
    "bank_account": (
        r"cuenta (?:corriente|de ahorros?|vista|rut|bancaria|sueldo|n[óo]mina)|cta\.? ?(?:cte|corriente|ahorros?)"
        r"|ahorros|conta[- ](?:corrente|poupan[çc]a|sal[áa]rio)|c/c|cc/|poupan[çc]a"
        r"|(?:n[úu]m(?:ero)?\.?|nro\.?|n[°º]\.?) ?d[ea]? (?:cuenta|conta)"
        r"|(?:savings|checking|bank|current) (?:account|acct)|(?:account|acct) (?:number|no)"
    ),
    "account": r"cuenta|cta|conta|account|acct?",
    "card": (
        r"tarjeta|cart[ãa]o(?! (?:de |do )?cidad)|card|visa|mastercard|amex|american express|cr[ée]dito|d[ée]bito"
    ),
    "cpf": r"cpf",
    "cnpj": r"cnpj",
    "cuit": r"cui[tl]",
    "citizen_card": r"cart[ãa]o (?:de |do )?cidad[ãa]o",
    "rg": r"rg|carteira de identidade",
    "dni": r"dni|d\.n\.i|documento(?: de identidad)?|n[úu]mero de identidad|identificad[oa] con",
    "rut": r"ru[tn]",
    "curp": r"curp",
    "rfc": r"rfc",
    "cedula": r"c[ée]dula(?: de ciudadan[íi]a| de identidad)?|ced|c\.c|c\.i|cc|ci|carn[ée]t? de identidad",
    "nit": r"nit",
    "nif": r"nif|contribuinte|cif",
    "nie": r"nie",
    "ruc": r"ruc",
    "rif": r"rif",
    "ssn": r"ssn|social(?: security)?(?: (?:number|no))?|ss#",
    "nino": r"nino|ni (?:number|no)|national insurance(?: (?:number|no))?",
    "passport": r"pasaporte|passaporte|passport",
    "ticket_number": r"e-?ticket(?: (?:number|no))?|(?:billete|boleto|bilhete) (?:electr[óo]nico|eletr[ôo]nico)",
    "tel": (
        r"tel[ée]fonos?|tlfn?o?|telefones?|tel[ée]f|tels?|fonos?|fones?|cel(?:ular)?(?:es)?|m[óo]vil|telem[óo]vel"
        r"|wh?ats?(?:app)?|was+ap|wsp|wpp|zap|nequi|daviplata|yape|bizum|mb ?way"
        r"|phone|mobile|cell(?:phone)?|contact[oe]?|contato|l[íi]nea|linha"
        r"|(?:mi|meu) (?:n[úu]m(?:ero)?|nro)(?! d[eao]?(?!\w))|my number|n[úu]mero de (?:tel\w+|cel\w+|contac?to)"
    ),
}
_ANY: Final = re.compile(
    r"(?<![^\W_])(?:" + "|".join(f"(?P<{name}>{words})" for name, words in _NAMES.items()) + r")(?![^\W\d_])",
    re.IGNORECASE,
)


class Names:
    """The names in one text, looked up once. `text`: without the links, handles and hashtags in it. `all`: which."""

    def __init__(self, text: str) -> None:
        found = [(match.start(), match.end(), match.lastgroup or "") for match in _ANY.finditer(text)]
        self._ends = [end for _, end, _ in found]
        self._names = [name for _, _, name in found]
        self._by_start = {start: name for start, _, name in found}
        self.all = frozenset(self._names)

    def beside(self, text: str, start: int, end: int) -> str | None:
        """What `text[start:end]` is called: a key of the table above, or None where no word names it.

        `text` is the text of these names; what was found in it already may be covered by `FOUND`.
        """
        last = bisect_right(self._ends, start) - 1
        while last >= 0 and start - self._ends[last] <= _REACH:
            gap = text[self._ends[last] : start]
            above = _LINE_ABOVE.match(gap)
            if _BARRIER.search(gap, above.end() if above else 0):
                break
            if self._names[last] != OTHER or _OTHER_GAP.fullmatch(gap):
                return self._names[last]
            last -= 1
        after = _AFTER.match(text, end)
        # The name may begin with whose it is: "my number".
        name = after and (self._by_start.get(after.end()) or self._by_start.get(after.start("whose")))
        return None if name == OTHER else name
