"""The words of the report and what they mean, for readers who were not there."""

from __future__ import annotations

from .view import Term

TERMS = (
    Term("Verdikt", "Opfyldt, delvist opfyldt eller ikke opfyldt efter planens egen regel."),
    Term(
        "Afventer vurdering",
        "En vurdering eller en registrering, som planen forudsætter, er ikke leveret. Regnes ikke som ikke opfyldt.",
    ),
    Term("Ikke opgjort", "Tallet kan ikke gøres op; begrundelsen står ved rækken. Regnes ikke som 0."),
    Term("Uden for gradueringen", "Vurderingen ligger uden for de trin, som planen beskriver."),
    Term("Uden verdikt", "Planens tekst giver intet verdikt på denne dato; tallet er til orientering."),
    Term(
        "Grad og interval",
        "Graden er rækkens opfyldelse i pct. Det, der ikke er kendt eller vurderet, gør graden og pointene til et "
        "interval fra mindst til højst.",
    ),
    Term(
        "Læsning",
        "Et svar på et spørgsmål, som planens ord lader åbent. Den godkendte læsning bestemmer tallet; de andre er "
        "regnet hver for sig med alt andet uændret.",
    ),
    Term(
        "Foreløbig og endelig",
        "Foreløbig, så længe leverancer eller godkendelser kan ændre tallet; derefter endelig. Et endeligt tal ændres "
        "kun i en ny udgave med begrundelse.",
    ),
    Term("Udgave", "En nummereret offentliggørelse, der ikke ændres bagefter."),
    Term(
        "Sat til side",
        "En række i en leverance, der ikke kunne læses efter aftalen om udtrækket. Den tælles ikke med, men den vises, "
        "hvor den kunne have ændret et tal.",
    ),
    Term("Holdt ude", "En observation, der efter den godkendte læsning ikke hører med i tallet; altid med en årsag."),
    Term("Uden for afgrænsningen", "En observation, som målingen omfatter, men som hører til en anden række i planen."),
    Term(
        "Skjult",
        "Et tal, der ikke vises af hensyn til små tal; verdiktet står. Det gælder et antal personer fra 1 til 4, også når det er "
        "resten af en nævner eller forskellen mellem to tal, der ellers begge blev vist, og tal for en institution med under 10 "
        "årsværk. Hvor et skjult tal kunne regnes ud af en sum, er mindst ét tal mere skjult, og de skjulte står til sidst, i "
        "alfabetisk orden. 0 vises, for det tæller ingen. Antal af sager, kald, aftaler og andre ting skjules ikke.",
    ),
    Term("SHA-256", "Et fingeraftryk af filens indhold: samme fingeraftryk, samme fil."),
)
