"""Where a contact's clock stands, and in which country: what it is said to be, else what can be derived with certainty.

The time zone is the attribute `timezone`. Where that is missing, a country with one time zone tells it, and the country
is the attribute `country` (or that of `address`), else what the prefix of the phone number says.
"""

from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import NamedTuple

from postroad.contacts.contact import Contact
from postroad.local_time import find_zone

TIMEZONE = "timezone"  # the attribute that says where a contact's clock stands

# The facts, in the words of `Predicate.reads`, from which a contact's clock is known.
CLOCK_FACTS = frozenset(f"attribute:{name}" for name in (TIMEZONE, "country", "address", "phone"))


class Clock(NamedTuple):
    """A time zone, and how it is known, as the end of a sentence. `is_own` says that it is the contact's."""

    zone: tzinfo
    because: str
    is_own: bool


def find_clock(contact: Contact) -> Clock | None:
    """The contact's own clock; None when neither the contact nor its country tells it."""
    zone = find_zone(contact.find_value(TIMEZONE))
    if zone:
        return Clock(zone, str(zone), True)
    country = find_country(contact)
    zones = ZONES.get(country or "", ())
    if len(zones) == 1 and (zone := find_zone(zones[0])):
        return Clock(zone, f"{zone}, as in all of {country}", True)
    return None


def clock_of(contact: Contact, *others: str | None) -> Clock:
    """The contact's clock, else the first of these zones that exists, else UTC."""
    own = find_clock(contact)
    if own:
        return own
    zone = next((zone for zone in map(find_zone, others) if zone), UTC)
    said = contact.find_value(TIMEZONE)
    unknown = "" if said is None else f"; the contact's {TIMEZONE} is none that we know"
    return Clock(zone, f"{zone}{unknown}", False)


def possible_zones(contact: Contact) -> tuple[tzinfo, ...]:
    """The westernmost and the easternmost zone in which the contact may be; none when nothing tells.

    A number of North America says no country, and yet that it is one of them.
    """
    names = ZONES.get(find_country(contact) or "") or (NORTH_AMERICA if _phone_of(contact).startswith("+1") else ())
    return tuple(zone for zone in map(find_zone, names) if zone)


def find_country(contact: Contact) -> str | None:
    """The two letters of the contact's country (ISO 3166), or None."""
    address = contact.find_value("address")
    for said in (contact.find_value("country"), address.get("country") if isinstance(address, Mapping) else None):
        if isinstance(said, str) and said.strip().upper() in ZONES:
            return said.strip().upper()
    return country_of_phone(_phone_of(contact))


def _phone_of(contact: Contact) -> str:
    phone = contact.find_address("sms") or contact.find_value("phone")
    return phone if isinstance(phone, str) else ""


def country_of_phone(number: str) -> str | None:
    """The country of a number in international form ("+34600000000"), where its prefix belongs to one only."""
    digits = number[1:] if number.startswith("+") else ""
    return next((PREFIXES[digits[:n]] for n in (4, 3, 2) if digits[:n] in PREFIXES), None)


_ZONES = """
AD=Europe/Andorra AE=Asia/Dubai AF=Asia/Kabul AG=America/Antigua AI=America/Anguilla AL=Europe/Tirane AM=Asia/Yerevan
AO=Africa/Luanda AR=America/Argentina/Buenos_Aires AS=Pacific/Pago_Pago AT=Europe/Vienna
AU=Australia/Perth,Australia/Lord_Howe AW=America/Aruba AX=Europe/Mariehamn AZ=Asia/Baku BA=Europe/Sarajevo
BB=America/Barbados BD=Asia/Dhaka BE=Europe/Brussels BF=Africa/Ouagadougou BG=Europe/Sofia BH=Asia/Bahrain
BI=Africa/Bujumbura BJ=Africa/Porto-Novo BL=America/St_Barthelemy BM=Atlantic/Bermuda BN=Asia/Brunei BO=America/La_Paz
BQ=America/Kralendijk BR=America/Eirunepe,America/Noronha BS=America/Nassau BT=Asia/Thimphu BW=Africa/Gaborone
BY=Europe/Minsk BZ=America/Belize CA=America/Vancouver,America/St_Johns CC=Indian/Cocos
CD=Africa/Kinshasa,Africa/Lubumbashi CF=Africa/Bangui CG=Africa/Brazzaville CH=Europe/Zurich CI=Africa/Abidjan
CK=Pacific/Rarotonga CL=Pacific/Easter,America/Coyhaique CM=Africa/Douala CN=Asia/Urumqi,Asia/Shanghai
CO=America/Bogota CR=America/Costa_Rica CU=America/Havana CV=Atlantic/Cape_Verde CW=America/Curacao
CX=Indian/Christmas CY=Asia/Nicosia CZ=Europe/Prague DE=Europe/Berlin DJ=Africa/Djibouti DK=Europe/Copenhagen
DM=America/Dominica DO=America/Santo_Domingo DZ=Africa/Algiers EC=Pacific/Galapagos,America/Guayaquil
EE=Europe/Tallinn EG=Africa/Cairo EH=Africa/El_Aaiun ER=Africa/Asmara ES=Atlantic/Canary,Europe/Madrid
ET=Africa/Addis_Ababa FI=Europe/Helsinki FJ=Pacific/Fiji FK=Atlantic/Stanley FM=Pacific/Chuuk,Pacific/Pohnpei
FO=Atlantic/Faroe FR=Europe/Paris GA=Africa/Libreville GB=Europe/London GD=America/Grenada GE=Asia/Tbilisi
GF=America/Cayenne GG=Europe/Guernsey GH=Africa/Accra GI=Europe/Gibraltar GL=America/Thule,America/Danmarkshavn
GM=Africa/Banjul GN=Africa/Conakry GP=America/Guadeloupe GQ=Africa/Malabo GR=Europe/Athens GS=Atlantic/South_Georgia
GT=America/Guatemala GU=Pacific/Guam GW=Africa/Bissau GY=America/Guyana HK=Asia/Hong_Kong HN=America/Tegucigalpa
HR=Europe/Zagreb HT=America/Port-au-Prince HU=Europe/Budapest ID=Asia/Jakarta,Asia/Jayapura IE=Europe/Dublin
IL=Asia/Jerusalem IM=Europe/Isle_of_Man IN=Asia/Kolkata IO=Indian/Chagos IQ=Asia/Baghdad IR=Asia/Tehran
IS=Atlantic/Reykjavik IT=Europe/Rome JE=Europe/Jersey JM=America/Jamaica JO=Asia/Amman JP=Asia/Tokyo KE=Africa/Nairobi
KG=Asia/Bishkek KH=Asia/Phnom_Penh KI=Pacific/Tarawa,Pacific/Kiritimati KM=Indian/Comoro KN=America/St_Kitts
KP=Asia/Pyongyang KR=Asia/Seoul KW=Asia/Kuwait KY=America/Cayman KZ=Asia/Almaty LA=Asia/Vientiane LB=Asia/Beirut
LC=America/St_Lucia LI=Europe/Vaduz LK=Asia/Colombo LR=Africa/Monrovia LS=Africa/Maseru LT=Europe/Vilnius
LU=Europe/Luxembourg LV=Europe/Riga LY=Africa/Tripoli MA=Africa/Casablanca MC=Europe/Monaco MD=Europe/Chisinau
ME=Europe/Podgorica MF=America/Marigot MG=Indian/Antananarivo MH=Pacific/Majuro MK=Europe/Skopje ML=Africa/Bamako
MM=Asia/Yangon MN=Asia/Hovd,Asia/Ulaanbaatar MO=Asia/Macau MP=Pacific/Saipan MQ=America/Martinique
MR=Africa/Nouakchott MS=America/Montserrat MT=Europe/Malta MU=Indian/Mauritius MV=Indian/Maldives MW=Africa/Blantyre
MX=America/Tijuana,America/Cancun MY=Asia/Kuala_Lumpur MZ=Africa/Maputo NA=Africa/Windhoek NC=Pacific/Noumea
NE=Africa/Niamey NF=Pacific/Norfolk NG=Africa/Lagos NI=America/Managua NL=Europe/Amsterdam NO=Europe/Oslo
NP=Asia/Kathmandu NR=Pacific/Nauru NU=Pacific/Niue NZ=Pacific/Auckland,Pacific/Chatham OM=Asia/Muscat
PA=America/Panama PE=America/Lima PF=Pacific/Tahiti,Pacific/Gambier PG=Pacific/Port_Moresby,Pacific/Bougainville
PH=Asia/Manila PK=Asia/Karachi PL=Europe/Warsaw PM=America/Miquelon PN=Pacific/Pitcairn PR=America/Puerto_Rico
PS=Asia/Hebron PT=Atlantic/Azores,Europe/Lisbon PW=Pacific/Palau PY=America/Asuncion QA=Asia/Qatar RE=Indian/Reunion
RO=Europe/Bucharest RS=Europe/Belgrade RU=Europe/Kaliningrad,Asia/Kamchatka RW=Africa/Kigali SA=Asia/Riyadh
SB=Pacific/Guadalcanal SC=Indian/Mahe SD=Africa/Khartoum SE=Europe/Stockholm SG=Asia/Singapore SH=Atlantic/St_Helena
SI=Europe/Ljubljana SJ=Arctic/Longyearbyen SK=Europe/Bratislava SL=Africa/Freetown SM=Europe/San_Marino
SN=Africa/Dakar SO=Africa/Mogadishu SR=America/Paramaribo SS=Africa/Juba ST=Africa/Sao_Tome SV=America/El_Salvador
SX=America/Lower_Princes SY=Asia/Damascus SZ=Africa/Mbabane TC=America/Grand_Turk TD=Africa/Ndjamena
TF=Indian/Kerguelen TG=Africa/Lome TH=Asia/Bangkok TJ=Asia/Dushanbe TK=Pacific/Fakaofo TL=Asia/Dili TM=Asia/Ashgabat
TN=Africa/Tunis TO=Pacific/Tongatapu TR=Europe/Istanbul TT=America/Port_of_Spain TV=Pacific/Funafuti TW=Asia/Taipei
TZ=Africa/Dar_es_Salaam UA=Europe/Kyiv,Europe/Simferopol UG=Africa/Kampala US=Pacific/Honolulu,America/New_York
UY=America/Montevideo UZ=Asia/Tashkent VA=Europe/Vatican VC=America/St_Vincent VE=America/Caracas VG=America/Tortola
VI=America/St_Thomas VN=Asia/Ho_Chi_Minh VU=Pacific/Efate WF=Pacific/Wallis WS=Pacific/Apia YE=Asia/Aden
YT=Indian/Mayotte ZA=Africa/Johannesburg ZM=Africa/Lusaka ZW=Africa/Harare
"""

_PREFIXES = """
AF93 AL355 DZ213 AD376 AO244 AM374 AW297 AU61 AT43 AZ994 BH973 BD880 BY375 BE32 BZ501 BJ229 BT975 BO591 BA387 BW267
BR55 BN673 BG359 BF226 BI257 KH855 CM237 CV238 CF236 TD235 CL56 CN86 CO57 KM269 CG242 CD243 CK682 CR506 CI225 HR385
CU53 CY357 CZ420 DK45 DJ253 EC593 EG20 SV503 GQ240 ER291 EE372 SZ268 ET251 FO298 FJ679 FI358 FR33 GF594 PF689 GA241
GM220 GE995 DE49 GH233 GI350 GR30 GL299 GP590 GT502 GN224 GW245 GY592 HT509 HN504 HK852 HU36 IS354 IN91 ID62 IR98
IQ964 IE353 IL972 IT39 JP81 JO962 KZ76 KZ77 KE254 KI686 KP850 KR82 KW965 KG996 LA856 LV371 LB961 LS266 LR231 LY218
LI423 LT370 LU352 MO853 MG261 MW265 MY60 MV960 ML223 MT356 MH692 MQ596 MR222 MU230 MX52 FM691 MD373 MC377 MN976
ME382 MA212 MZ258 MM95 NA264 NR674 NP977 NL31 NC687 NZ64 NI505 NE227 NG234 NU683 MK389 NO47 OM968 PK92 PW680 PS970
PA507 PG675 PY595 PE51 PH63 PL48 PT351 QA974 RO40 RU73 RU74 RU78 RU79 RW250 SM378 WS685 ST239 SA966 SN221 RS381
SC248 SL232 SG65 SK421 SI386 SB677 SO252 ZA27 SS211 ES34 LK94 SD249 SR597 SE46 CH41 SY963 TW886 TJ992 TZ255 TH66
TL670 TG228 TK690 TO676 TN216 TR90 TM993 TV688 UG256 UA380 GB44 AE971 UY598 UZ998 VU678 VE58 VN84 WF681 YE967 ZM260
ZW263 BS1242 BB1246 AI1264 AG1268 VG1284 VI1340 KY1345 BM1441 GD1473 TC1649 JM1658 MS1664 MP1670 GU1671 AS1684
SX1721 LC1758 DM1767 VC1784 PR1787 DO1809 DO1829 DO1849 TT1868 KN1869 JM1876 PR1939
"""

# By country, its time zone; of a country with several the westernmost and the easternmost. From the tz database.
ZONES: Mapping[str, tuple[str, ...]] = {entry[:2]: tuple(entry[3:].split(",")) for entry in _ZONES.split()}

# Of the countries that share the prefix +1 the westernmost and the easternmost.
NORTH_AMERICA = ("Pacific/Honolulu", "America/St_Johns")

# By prefix of phone numbers, the only country that has it.
PREFIXES: Mapping[str, str] = {entry[2:]: entry[:2] for entry in _PREFIXES.split()}
