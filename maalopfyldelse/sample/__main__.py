"""The command: `python -m maalopfyldelse.sample OUT [--seed N --call-events N --cases N --tickets N --persons N
--decisions N]`."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from pathlib import Path

from ..errors import CallerError, MaalError
from . import absence, benchmarking, calls, cases, jobindsats, jobnet2003, panel, permits, registers, tickets
from .common import Out, Sizes

MARKER = "Syntetiske data. Ingen person, sag, henvendelse eller figur her er virkelig.\n"
README = """\
# Prøveleverancer

Alt her er opdigtet og lavet af `python -m maalopfyldelse.sample`; samme tal giver samme bytes. Filen `SYNTHETIC` mærker det.
Mapperne er `MODTAGET/SYSTEM/fil`, med modtagelsestidspunktet i dansk tid, som leverancerne til fem planer ville være kommet: 2003-2004
(AMS), 2020 til marts 2022 (SIRI, STAR, Benchmarkingenheden) og 2024-2025 (tilsynsplanen).

| system | filer | bemærk |
|---|---|---|
| puzzel | hændelser pr. måned, køliste, driftsforstyrrelser | februar 2021 kom for sent; maj 2021 blev leveret halvt og så igen |
| zendesk | eksport efter seneste ændring | én leverance som CSV i kontoens tidszone, de øvrige som JSON i UTC, den sidste pakket |
| postkasser | liste og månedlig optælling | maj 2021 kom for sent; august 2021 er talt om |
| p360 | sager pr. halvår, sagstyper | projektmappe med tekstdatoer, CSV, projektmappe med datoceller, CSV |
| isola | fravær pr. kvartal | Windows-1252, decimalkomma |
| jobcenter | panel pr. kvartal, ydelseskoder, jobcentre | koder og jobcentre er opfundne og uden officielt forbillede |
| jobindsats | svar for et kvartal: CSV og JSON (v2), JSON med mærke forrest (v3) | til rimelighed, læses af ingen måling; tallene er opfundne |
| estherh | ansøgninger pr. kvartal | ingen søgte som praktikant; en sag, der verserede, kommer igen i næste udtræk |
| benchmarkdatabase | sygefravær i 41 institutioner pr. kvartal | 40 er opfundne; én er for lille til at blive vist |
| oekonomi | grundbudget, UO2, UO4 og årsregnskab | årsregnskabet kommer først i marts 2022 |
| jobnet, journal | aktivitet pr. måned, puljeansøgninger, klager | 2002-2003, Windows-1252 |
| registre | hændelser, optællinger, poster og vurderinger, tastet i hånden | projektmapper er hele registret, CSV kun det nye |

Rækker, der er forkerte med vilje og bliver sat til side: et tidspunkt i den time, som forårets omstilling springer over (zendesk,
CSV), den 31. februar (p360, sidste leverance), en afgørelse før ansøgningen (estherh, sidste leverance), en hændelse godkendt af den,
der registrerede den (STAR), en hændelse dateret efter modtagelsen og en vurdering uden indhold (AMS), en optælling til en række, som
planen ikke har (Benchmarkingenheden). Tre sager er lukket, før de er oprettet; én driftsforstyrrelse og nogle få registreringer er
ikke godkendt.

Navne er 'Syntetisk n' eller 'Syntetisk Person n', telefonnumre begynder med +4500, adresser ender på example.invalid. De står her, for at
indlæsningen har noget at smide væk.
"""


def write_sample(root: Path, sizes: Sizes) -> None:
    """All deliveries under `root`: a new or empty folder, or an earlier sample, which is replaced. Raises CallerError."""
    try:
        if root.exists():
            _clear(root)
        root.mkdir(parents=True, exist_ok=True)
        (root / "SYNTHETIC").write_text(MARKER, encoding="utf-8", newline="")
        (root / "README.md").write_text(README, encoding="utf-8", newline="")
        out = Out(root)
        for source in (calls, tickets, cases, absence, panel, jobindsats, permits, benchmarking, jobnet2003, registers):
            source.write(out, sizes)
    except OSError as error:
        raise CallerError(f"{root} cannot be written: {error.strerror}.") from None


def _clear(root: Path) -> None:
    """Removes an earlier sample, and nothing else: one unknown name and the folder is left as it is."""
    entries = sorted(root.iterdir()) if root.is_dir() else [root]
    ours = [entry.is_dir() and re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{4}", entry.name) is not None for entry in entries]
    foreign = [
        entry.name
        for entry, known in zip(entries, ours, strict=True)
        if not known and entry.name not in ("SYNTHETIC", "README.md")
    ]
    if foreign or (entries and not (root / "SYNTHETIC").is_file()):
        raise CallerError(f"{root} holds something that is no sample of ours. Name a new folder.")
    for entry, known in zip(entries, ours, strict=True):
        if known:
            shutil.rmtree(entry)
        elif entry.name != "SYNTHETIC":
            entry.unlink()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m maalopfyldelse.sample", description="Writes synthetic deliveries.")
    default = Sizes()
    parser.add_argument("out", type=Path, help="a new or empty folder, or an earlier sample")
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--call-events", type=int, default=default.call_events, help="rows of call events, about")
    parser.add_argument("--tickets", type=int, default=default.tickets)
    parser.add_argument("--cases", type=int, default=default.cases)
    parser.add_argument("--persons", type=int, default=default.persons, help="rows of the panel (people times quarters), about")
    parser.add_argument("--decisions", type=int, default=default.decisions, help="applications to EstherH")
    given = parser.parse_args(arguments)
    try:
        sizes = Sizes(given.seed, given.call_events, given.tickets, given.cases, given.persons, given.decisions)
        if min(sizes.call_events, sizes.tickets, sizes.cases, sizes.persons, sizes.decisions) < 0:
            raise CallerError("A number of rows is below 0.")
        write_sample(given.out, sizes)
    except MaalError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
