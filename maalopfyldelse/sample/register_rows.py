"""What the invented registers say, a line a row. How a line is read stands beside each list; the writing is registers.py's.

The words of acts, counts and parameters are those of plans/*.yaml. Each plan has rows of every kind of outcome: met, missed, late,
not judged, settled as not done, not approved, and a few that intake must set aside.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

# Marks at the end of a line: ? not approved, = approved by the person who registered it, ! dated wrong.


@dataclass(frozen=True)
class Register:
    """The registers of one plan. `deliveries` are RECEIVED-AT and the day the file was made; `form` is xlsx or a CSV's encoding."""

    plan: str
    name: str
    mark: str
    form: str
    deliveries: list[tuple[str, date]]
    events: list[str]  # date, row, act, kind
    counts: list[str]  # date, row, name, number or number/whole
    items: list[str]  # row, started, due, done (- for none), undtaget, kompleks
    assessments: list[str]  # reporting date, row, parameter, verdict or degree% or points p, date, who


STAR = Register(
    plan="star-2021",
    name="star",
    mark="STAR",
    form="xlsx",
    deliveries=[("2021-07-06T1500", date(2021, 7, 6)), ("2022-01-18T1500", date(2022, 1, 18))],
    events=[
        "2021-03-26 M3.A evaluering_job_veu gennemført",
        "2021-06-22 M3.A ministersag_job_veu forelagt",
        "2021-06-28 M3.A forligskreds_job_veu forelagt",
        # in time by a self-approved row, which is set aside; the approved one is two days late
        "2021-06-29 M3.B ministersag_opkvalificering forelagt =",
        "2021-07-02 M3.B ministersag_opkvalificering forelagt",
        "2021-03-24 M5.A elementer_aftalt aftalt",
        "2021-06-29 M5.A oplaeg_udfordringer sendt",
        "2021-03-24 M5.B elementer_aftalt aftalt",
        "2021-09-30 M5.B oplaeg_loesninger sendt",
        "2021-11-22 M6.A bekendtgoerelse_udrulning udstedt",
        "2021-12-03 M6.A vejledning_revisorer sendt",
        "2021-12-03 M6.A vejledning_kommuner sendt",
        "2021-12-20 M6.A it_model_implementeret gennemført ?",
        "2020-12-18 M6.B fokusrevision_h1_aftalt aftalt",
        "2021-01-20 M6.B fokusrevisioner_besluttet besluttet",
        "2021-03-08 M6.B fokusrevision_h2_aftalt aftalt",
        "2021-12-17 M6.B ministersag_fokusrevisioner_2022 forelagt",
        "2021-04-20 M6.C redegoerelse_faerdig godkendt",
        "2021-06-25 M6.C redegoerelse_sendt_beu sendt",
        "2021-06-24 M7 handlingsplan_praesenteret forelagt",
        # the financing was not decided, so the requirement to begin does not apply
        "2021-12-15 M7 finansiering_fastlagt ikke gennemført",
        "2021-02-15 M8.A handlingsplan_review godkendt",
        "2021-02-15 M8.B handlingsplan_tvaergaaende godkendt",
        "2021-05-31 M8.C handlingsplan_finansiel godkendt",
        "2021-05-31 M8.D handlingsplan_it_revision godkendt",
        "2021-06-24 M9.A sletteplan_forelagt forelagt",
        "2021-06-24 M9.A sletteoversigt_sager forelagt",
        "2021-06-24 M9.A sletteplan_statistik forelagt",
        "2021-06-30 M9.A sletteplan_tilsyn forelagt",
        "2021-08-31 M9.B systemanalyse gennemført",
        "2021-11-30 M9.B sletning_public_360 gennemført",
    ],
    counts=[
        "2021-06-30 M6.A kommuner_implementeret 5",
        "2021-12-20 M6.A kommuner_implementeret 10",
        "2021-06-30 M6.A revisionshuse_logget_paa 2/5",
        "2021-12-20 M6.A revisionshuse_logget_paa 5/5",
        "2021-06-30 M6.B fokusrevisioner_oversendt 1",
        "2021-12-16 M6.B fokusrevisioner_oversendt 2",
    ],
    items=[
        "M8.A 2021-01-15 2021-12-31 2021-03-31",
        "M8.A 2021-01-15 2021-12-31 2021-05-12",
        "M8.A 2021-01-15 2021-12-31 2021-06-18",
        "M8.A 2021-01-15 2021-12-31 2021-09-30",
        "M8.A 2021-01-15 2021-12-31 2021-12-31",
        "M8.A 2021-01-15 2021-12-31 - undtaget",
        "M8.B 2021-01-15 2021-12-31 2021-04-30",
        "M8.B 2021-01-15 2021-12-31 2021-10-29",
        "M8.B 2021-01-15 2021-12-31 2022-01-14",
        "M8.C 2021-04-30 2021-12-31 2021-11-12",
        "M8.C 2021-04-30 2021-12-31 2021-12-10",
        "M8.C 2021-04-30 2021-12-31 2021-12-17",
        "M8.D 2021-04-30 2021-12-31 2021-08-20",
        "M8.D 2021-04-30 2021-12-31 2021-12-21 ?",
        "M9.B 2021-06-24 2021-12-31 2021-10-15",
        "M9.B 2021-06-24 2021-12-31 2021-11-26",
        "M9.B 2021-06-24 2021-12-31 2021-12-22",
        "M9.B 2021-06-24 2021-12-31 - kompleks",
    ],
    assessments=[
        # one parameter not met: none of the combinations that the scale knows
        "2021-12-31 M1.T - opfyldt 2022-01-14 Departementet",
        "2021-12-31 M1.K - delvist opfyldt 2022-01-14 Departementet",
        "2021-12-31 M1.S - ikke opfyldt 2022-01-14 Departementet",
        "2021-06-30 M3.C - opfyldt 2021-07-05 STAR_og_departementet_i_fællesskab",
        "2021-12-31 M5 tid opfyldt 2022-01-17 Departementet",
        "2021-12-31 M5 kvalitet opfyldt 2022-01-17 Departementet",
        "2021-12-31 M5 samarbejde ikke opfyldt 2022-01-17 Departementet",
        "2021-12-31 M5 - 70% 2022-01-17 Departementet",
    ],
)

SIRI = Register(
    plan="siri-2020",
    name="siri",
    mark="SIRI",
    form="utf-8",
    deliveries=[
        ("2020-04-16T1100", date(2020, 4, 16)),
        ("2020-07-10T1100", date(2020, 7, 9)),
        ("2020-10-09T1100", date(2020, 10, 8)),
        ("2021-01-14T1100", date(2021, 1, 14)),
    ],
    events=[
        "2020-10-30 1.1.2 erfaringsopsamling gennemført",
        "2020-12-11 1.1.2 koncept_tilrettet godkendt",
        "2020-06-15 1.2.1 bidrag_til_evaluering sendt",
        "2020-03-27 2.2.Q1 systemliste_opdateret gennemført",
        "2020-04-15 2.2.Q1 systemliste_bekraeftet godkendt",
    ],
    counts=[
        "2020-06-18 1.1.1 kommuner_identificeret 6",
        "2020-06-30 1.1.1 raadgivning_tilbudt 5/6",
        "2020-12-31 1.1.2 forloeb_igangsat 3",
        # the work plan was not carried out in full, so 1.2 has one part met and one missed
        "2020-06-30 1.2.2 arbejdsplan_gennemfoert 5/14",
        "2020-12-31 1.2.2 arbejdsplan_gennemfoert 11/14",
        "2020-06-30 1.3 tema_1_underretning 43/50",
        "2020-06-30 1.3 tema_2_registrering 47/50",
        "2020-06-30 1.3 tema_3_opholdskort 45/50",
        "2020-12-31 1.3 tema_4 44/50",
        "2020-12-31 1.3 tema_5 48/50",
        "2020-12-31 2.1 integrationsafdelingen 22/27",
        "2020-12-31 2.1 koncernstyring_og_tilsyn 24/27",
        "2020-12-31 2.1 familie_og_ophold 20/27",
        "2020-12-31 2.1 ledelsessekretariatet 23/27",
        "2020-06-25 2.2.Q2 iso_baseline_kritiske 4",
        "2020-09-28 2.2.Q3 iso_baseline_alle 12/12",
        "2020-09-29 2.2.Q3 trusselsvurdering_kritiske 4",
        "2020-11-20 2.2.Q4 modenhed_risikostyring 3 ?",
    ],
    items=[],
    assessments=[],
)

BENCHMARKING = Register(
    plan="benchmarking-2021",
    name="benchmarking",
    mark="BME",
    form="utf-8",
    deliveries=[("2021-07-09T0930", date(2021, 7, 9)), ("2022-01-12T0930", date(2022, 1, 12))],
    events=[
        "2021-09-24 B1.1 strategi godkendt",
        "2021-03-29 B1.2 notat sendt",
        "2021-03-30 B2.3 status_oversendt sendt",
        "2021-05-10 B2.3 opfoelgning_aftalt aftalt",
    ],
    counts=[
        "2021-09-24 B1.1 konkrete_forslag 4",
        "2021-09-24 B1.3 konkrete_forslag 4",  # no such row
    ],
    items=[],
    assessments=[
        "2021-06-30 B1.2 rammesaetter opfyldt 2021-07-08 Departementet",
        "2021-12-31 B1.2 rammesaetter opfyldt 2022-01-11 Departementet",
        "2021-12-31 B1.1 kan_implementeres opfyldt 2022-01-11 Departementet",
    ],
)

AMS = Register(
    plan="ams-2003",
    name="ams",
    mark="AMS",
    form="windows-1252",
    deliveries=[("2003-10-08T1000", date(2003, 10, 8)), ("2004-01-20T1000", date(2004, 1, 20))],
    events=[
        "2003-03-28 A.2.1 strategi godkendt",
        "2004-12-12 A.2.3 erfaringsindsamling gennemført !",  # the year is wrong
        "2003-03-25 A.4.1 vejledningsmateriale godkendt",
        "2003-04-02 A.4.1 offentliggoerelse offentliggjort",
        "2003-05-14 A.4.3 droeftelse_kl gennemført",
        "2003-06-27 A.4.3 strategi godkendt",
        "2003-07-04 A.4.3 effektmaaling gennemført",  # late
        "2003-11-28 A.5.1 kompetenceudvikling gennemført",
        "2003-01-31 A.6.1 bidrag sendt",
        "2003-02-13 A.6.1 offentliggoerelse offentliggjort",
        "2003-05-20 A.6.2 undersoegelse gennemført",
        "2003-10-29 A.6.2 konference gennemført",
        "2003-03-01 A.7.1 jobbank_i_drift gennemført",
        "2003-03-31 A.8.1 grundstamme_afsluttet godkendt",
        "2003-09-15 A.10.1 tilpasning gennemført",
        "2003-08-20 B.2.1 bidrag_finanslov sendt",
        "2003-09-30 B.2.1 bidrag_tillaegsbevilling sendt",
        "2003-11-14 B.2.2 model_etableret godkendt ?",
        "2003-04-11 C.1.1 analyse godkendt",  # late
    ],
    counts=[
        "2003-12-31 A.1.1 a_6_maaneder 11240/36300",
        "2003-12-31 A.1.1 a_18_maaneder 17020/36300",
        "2003-12-31 A.1.1 b_6_maaneder 2310/7150",
        "2003-12-31 A.1.1 b_18_maaneder 3390/7150",
        "2003-12-31 A.1.2 mistet_dagpengeret 2910/171400",
        "2003-09-30 A.2.2 regioner_med_projekt 11/14",
        "2003-12-15 A.2.2 regioner_med_projekt 14/14",
        "2003-03-27 A.2.3 samarbejdsaftaler 3",
        "2003-03-31 A.3.1 kontaktforloeb 9120/9120",
        "2003-06-30 A.3.1 kontaktforloeb 18410/18410",
        "2003-09-30 A.3.1 kontaktforloeb 26540/26730",
        "2003-12-31 A.3.1 kontaktforloeb 35190/35190",
        "2003-09-30 A.3.2 kontaktforloeb 41200/41200",
        "2003-12-31 A.3.2 kontaktforloeb 30780/30780",
        "2003-03-31 A.3.3 aktivering 51200/51200",
        "2003-06-30 A.3.3 aktivering 50450/50450",
        "2003-09-30 A.3.3 aktivering 49870/49870",
        "2003-12-31 A.3.3 aktivering 52010/52010",
        # of A.3.4 only the contact course was counted
        "2003-09-30 A.3.4 kontaktforloeb 22100/22100",
        "2003-12-31 A.3.4 kontaktforloeb 23950/23950",
        "2003-12-31 A.4.4 henvist_anden_aktoer 21450/138200",
        "2003-09-30 A.8.2 afproevningssteder 22",
        "2003-12-10 A.8.2 afproevningssteder 27",
        "2003-11-20 C.1.2 handlinger_afsluttet 1",
        "2003-06-02 C.2.1 indsatsomraader 2",
    ],
    items=[
        "A.2.4 2003-02-20 - 2003-02-20",
        "A.2.4 2003-04-11 - 2003-04-11",
        "A.2.4 2003-06-05 - 2003-06-05",
        "A.2.4 2003-09-01 - -",
        *(f"A.4.2 2003-{1 + nth // 5:02d}-{10 + nth:02d} - 2003-{2 + nth // 2:02d}-{10 + nth:02d}" for nth in range(14)),
        *(
            f"B.1.3 2003-{1 + nth // 3:02d}-{4 + nth % 3 * 9:02d} 2003-{1 + nth // 3:02d}-{14 + nth % 3 * 7:02d} "
            f"2003-{1 + nth // 3:02d}-{9 + nth % 3 * 9 - nth % 2:02d}"
            for nth in range(36)
        ),
    ],
    assessments=[
        "2003-12-31 A.2.2 gaar_laengere opfyldt 2004-01-16 Departementet",
        "2003-12-31 A.2.2 erfaringer opfyldt 2004-01-16 Departementet",
        "2003-12-31 A.2.3 loebende_evaluering opfyldt 2004-01-16 Departementet",
        "2003-12-31 A.4.1 indhold opfyldt 2004-01-16 Departementet",
        "2003-10-01 A.5.2 - opfyldt 2003-10-07 Departementet",
        "2003-12-31 A.5.2 - opfyldt 2004-01-16 Departementet",
        "2003-12-31 A.6.2 indhold ikke opfyldt 2004-01-16 Departementet",
        "2003-12-31 A.9.1 - opfyldt 2004-01-16 Departementet",
        "2003-12-31 A.9.2 - - 2004-01-16 Departementet",  # nothing was filled in
        "2003-12-31 A.10.1 indhold opfyldt 2004-01-16 Departementet",
        "2003-12-31 B.2.1 medvirken opfyldt 2004-01-16 Departementet",
    ],
)

TILSYN = Register(
    plan="tilsyn-2024",
    name="tilsyn",
    mark="TILSYN",
    form="xlsx",
    deliveries=[("2024-07-09T1400", date(2024, 7, 9)), ("2025-01-13T1400", date(2025, 1, 13))],
    events=[
        "2024-02-06 T1.a tema_valgt besluttet",
        "2024-11-18 T1.a fokusrevision_afrapporteret sendt",
        "2024-12-05 T1.b opfoelgning gennemført",
        "2024-12-12 T1.b stillingtagen besluttet",
        "2024-10-03 T2 praksisundersoegelse_afrapporteret offentliggjort",
        "2024-12-19 T3 praksisundersoegelse_afrapporteret ikke gennemført",
        "2024-09-11 T4.a indstillinger_undersoegt gennemført",
        "2024-09-11 T4.a begrundelser_undersoegt gennemført",
        "2024-09-11 T4.b min_plan_undersoegt gennemført ?",
        # the vendors' tests did not take place, so there is nothing to follow up
        "2024-06-28 T5.a tests_gennemfoert ikke gennemført",
        "2024-09-17 T5.b opfoelgning_sanktionsregister gennemført",
        "2024-06-12 T6.c maaling_a_kasser offentliggjort",
        "2024-07-04 T6.c maaling_kommuner offentliggjort",  # late
        "2024-08-28 T7 opfoelgning gennemført",
        "2024-12-16 T9 koncept_udviklet godkendt",
        "2024-05-28 T10.a kommuner_udvalgt besluttet",
    ],
    counts=[
        "2024-05-30 T6.a opfoelgninger_a_kasser 1",
        "2024-11-26 T6.a opfoelgninger_a_kasser 2",
        "2024-06-20 T6.a opfoelgninger_kommuner 1",
        "2024-12-03 T6.a opfoelgninger_kommuner 2",
        "2024-12-10 T10.c taskforce_tilbudt 3/3",
        "2024-12-10 T10.c taskforce_igangsat 2/3",
    ],
    items=[
        "T6.b 2024-05-30 - 2024-06-14",
        "T6.b 2024-05-30 - 2024-06-21",
        "T6.b 2024-06-20 - 2024-06-27",
        "T6.b 2024-11-26 - 2024-12-11",
        *(f"T8.a - - 2024-{3 + nth // 3:02d}-{5 + nth:02d}" for nth in range(9)),
        "T8.b 2024-02-27 - 2024-09-30",
        "T8.b 2024-02-27 - 2024-11-15",
        "T8.b 2024-02-27 - -",
        "T10.b 2024-06-10 - 2024-09-04",
        "T10.b 2024-06-10 - 2024-09-10",  # to the day
        "T10.b 2024-06-12 - 2024-08-30",
        "T10.b 2024-10-15 - -",  # not due at the end of the year
    ],
    assessments=[
        "2024-12-31 T1.b kvalitet opfyldt 2025-01-10 Kontoret_for_tilsyn",
        "2024-12-31 T6.c maanedlig opfyldt 2025-01-10 Kontoret_for_tilsyn",
        "2024-12-31 T9 indhold opfyldt 2025-01-10 Kontoret_for_tilsyn",
    ],
)

REGISTERS = [STAR, SIRI, BENCHMARKING, AMS, TILSYN]
