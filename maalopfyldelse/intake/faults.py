"""The stable codes of what can be wrong with a delivery or a row, and the words for the person who sent it.

Here belong codes and texts. A text names the column, never the value; which headings it may name is shown.py's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..errors import DeliveryRefused


class Words(NamedTuple):
    """One text in both languages: `english` stands in the ledger, for the engineer; `danish` in the workbook for the sender."""

    english: str
    danish: str


# What sets one row aside. {column} is filled in, and in English {expected}; the sender's workbook has what is expected in a column.
ROW_FAULTS = {
    "FIELD_COUNT": Words(
        "the line has more or fewer fields than the header. Look for a delimiter or line break inside a value.",
        "Linjen har flere eller færre felter end overskriften. Se efter et skilletegn eller linjeskift inde i en værdi.",
    ),
    "BAD_JSON": Words(
        "the row is not one whole JSON value of the kind its contract says. Export it again.",
        "Rækken er ikke én hel JSON-værdi af den aftalte slags. Eksportér igen.",
    ),
    "DUPLICATE_KEY": Words(
        "a key stands twice in the row's object, and one of its values would be lost. Export it again.",
        "En nøgle står to gange i rækkens objekt, og en af værdierne ville gå tabt. Eksportér igen.",
    ),
    "ERROR_CELL": Words(
        "'{column}' holds one of Excel's errors (#N/A, #REF!, …) or a formula without a value. Correct the formula and save in Excel, or "
        "clear the cell.",
        "'{column}' indeholder en af Excels fejl (#I/T, #REFERENCE!, …) eller en formel uden værdi. Ret formlen og gem i Excel, eller "
        "ryd cellen.",
    ),
    "MISSING_VALUE": Words("'{column}' is empty and must be given.", "'{column}' er tom og skal udfyldes."),
    "PERSONAL_NUMBER": Words(
        "'{column}' holds what looks like a personal number (CPR). Take it out and deliver the row again; if the column holds a system's "
        "ids of ten digits, declare digits_are_ids with the table's column.",
        "'{column}' indeholder, hvad der ligner et CPR-nummer. Fjern det, og levér rækken igen.",
    ),
    "NOT_A_NUMBER": Words("'{column}' is not {expected}.", "'{column}' er ikke et tal af den aftalte form."),
    "TOO_MANY_DECIMALS": Words(
        "'{column}' has more decimals than {expected} keeps. Nothing is rounded; deliver it with fewer.",
        "'{column}' har flere decimaler end aftalt. Der afrundes ikke; levér tallet med færre.",
    ),
    "NUMBER_OUT_OF_RANGE": Words(
        "'{column}' is a number too large for {expected}.", "'{column}' er et større tal, end der er plads til."
    ),
    "NOT_A_DATE": Words(
        "'{column}' is not a date of the form {expected}.", "'{column}' er ikke en dato, der findes, af den aftalte form."
    ),
    "NOT_A_TIME": Words(
        "'{column}' is not a time of the form {expected}, in the years 1970 to 2099.",
        "'{column}' er ikke et tidspunkt af den aftalte form i årene 1970 til 2099.",
    ),
    "NO_SUCH_HOUR": Words(
        "'{column}' lies in the hour that the change to summer time skips in {expected}. Correct the clock time.",
        "'{column}' ligger i den time, som springes over, når sommertiden begynder. Ret klokkeslættet.",
    ),
    "NOT_A_BOOLEAN": Words("'{column}' is neither true nor false.", "'{column}' er hverken true eller false."),
    "NO_SUCH_PERIOD": Words(
        "'{column}' is no period (2021, 2021H1, 2021Q3, 2021-07 or 2021-07-15).",
        "'{column}' er ingen periode (2021, 2021H1, 2021Q3, 2021-07 eller 2021-07-15).",
    ),
    "UNKNOWN_CODE": Words(
        "'{column}' has a word that its contract does not know (known: {expected}).",
        "'{column}' har et ord, som ikke er aftalt.",
    ),
}

# What refuses a whole delivery, in the sender's words; the engineer's text is written where the fault is found.
DELIVERY_FAULTS = {
    "BAD_JSON": "Filen er ikke JSON af den aftalte form. Eksportér den igen.",
    "BROKEN_ARCHIVE": "Den pakkede fil er beskadiget, låst med kodeord eller pakket på en usædvanlig måde. Pak den igen, og levér den igen.",
    "BROKEN_PARQUET": "Filen er beskadiget, afbrudt, krypteret eller ikke en Parquet-fil. Skriv den igen, og levér den igen.",
    "BROKEN_WORKBOOK": "Projektmappen er beskadiget, låst eller ikke en projektmappe. Åbn den i Excel, gem den som .xlsx og levér den igen.",
    "CHANGED_WHILE_READ": "Filen blev ændret, mens den blev læst. Læg den først i mappen, når den er færdig.",
    "CONTROL_CHARACTER": "Teksten indeholder NUL eller styretegn. Eksportér filen som tekst i den aftalte tegnkodning.",
    "CUT_FILE": "Filen er afbrudt, mens den blev skrevet eller kopieret. Levér den hel.",
    "DUPLICATE_COLUMN": "En kolonne står to gange i overskriften. Levér hver kolonne én gang.",
    "DUPLICATE_KEY": "En nøgle står to gange i samme objekt i dokumentet. Eksportér filen igen.",
    "EXTERNAL_LINKS": "Projektmappen henter værdier fra andre filer. Indsæt dem som værdier, bryd kæderne og levér den igen.",
    "EMPTY_FILE": "Filen er tom eller uden overskrift. Eksportér den igen.",
    "INEXACT_NUMBER": "En kolonne har kommatal, som ikke er nøjagtige (float). Skriv den som decimal eller tekst.",
    "LAYOUT_OUT_OF_FORCE": "Filens kolonner er aftalt for en anden tid end den, filen er modtaget i. Eksportér med de kolonner, der nu er aftalt.",
    "LINE_TOO_LONG": "En linje er længere, end en række kan være. Se efter et anførselstegn, der ikke er afsluttet.",
    "MACROS": "Projektmappen indeholder makroer. Gem den som .xlsx uden makroer og levér den igen.",
    "MISSING_COLUMN": "En aftalt kolonne mangler. Eksportér med de aftalte kolonner, eller aftal ændringen.",
    "MIXED_LINE_ENDS": "Linjerne slutter på forskellig måde. Gem filen med én slags linjeskift.",
    "NOT_ONE_FILE": "Zip-filen skal indeholde netop én fil. Pak hver fil for sig.",
    "NO_PERIOD": "Filens navn siger ikke, hvilken periode den gælder. Navngiv den som aftalt.",
    "NO_SUCH_SHEET": "Projektmappen har ikke det aftalte ark. Navngiv arket som aftalt.",
    "NUMBER_LOST_DIGITS": "Et tal er længere, end Excel kan gemme. Formatér kolonnen som tekst, før værdierne sættes ind.",
    "OUTSIDE_RANGE": "Tabellen fortsætter under det aftalte område. Aftal et større område, eller lad en række under tabellen være tom.",
    "ROW_RULE_FAILS": "En af aftalens regler kan ikke regnes ud for en værdi i filen. Sig det til den, der tager imod.",
    "STRAY_QUOTE": "Et anførselstegn står inde i en værdi uden at være fordoblet. Eksportér filen igen.",
    "TEXT_BECAME_DATE": "Excel har gjort en tekst til en dato. Formatér kolonnen som tekst, før værdierne sættes ind.",
    "TOO_FEW_ROWS": "Filen har færre rækker end aftalt. Eksportér den igen.",
    "TOO_LARGE": "Filen er større end aftalt. Aftal en større grænse, eller del leverancen.",
    "TOO_MANY_COLUMNS": "Filen har langt flere kolonner end aftalt. Se efter, om det er den rigtige fil.",
    "TOO_MANY_SET_ASIDE": "Flere rækker har fejl, end aftalen tillader; derfor er hele filen afvist. Ret eksporten og levér den igen.",
    "TWO_FILES_OF_ONE_PERIOD": "To filer kom samtidig om samme periode, og ingen af dem er den nyeste. Træk den forkerte tilbage.",
    "UNKNOWN_CODE": "Filen har ord, som ikke er aftalt. Aftal dem, eller ret eksporten.",
    "UNMAPPED_COLUMN": "Filen har en kolonne, som ikke er aftalt. Eksportér med de aftalte kolonner, eller aftal ændringen.",
    "UNREADABLE": "Filen kan ikke deles i rækker. Eksportér den igen med anførselstegn om værdierne.",
    "UNREADABLE_TYPE": "En kolonne har en type, der ikke kan læses som én værdi. Skriv den som tekst.",
    "XML_ENTITIES": "Projektmappen er skrevet på en måde, som intet regneark bruger. Åbn den i Excel, gem den som .xlsx og levér den igen.",
    "WRONG_ENCODING": "Filen er ikke i en aftalt tegnkodning. Gem den som UTF-8.",
}


@dataclass(frozen=True)
class Fault:
    """One fault of a file. `line` counts from 1 as an editor does; of a workbook or Parquet it is the row, of a JSON array the
    place of the element."""

    line: int | None
    code: str
    column: str | None
    message: str


class Refused(DeliveryRefused):
    """A refusal with all its faults: the message sums them up."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        line: int | None = None,
        column: str | None = None,
        faults: list[Fault] | None = None,
    ) -> None:
        super().__init__(code, message, line=line, column=column)
        self.faults = faults if faults is not None else [Fault(line, code, column, message)]
        self.rows_read: int | None = None
        self.rows_set_aside: int | None = None


def row_message(code: str, column: str | None, expected: str) -> str:
    """The text of a row's fault."""
    return ROW_FAULTS[code].english.format(column=column, expected=expected)
