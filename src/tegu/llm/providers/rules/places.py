"""Places: countries, great cities, and what a street or a feature of the land is called.

Called by `found`. Invariant: only capitalised words are places; a list this short leaves most places out.
"""

import re
from typing import Final

from tegu.llm.providers.rules.reading import Kind, Span, span

_COUNTRIES: Final = (
    "Afghanistan|Albania|Algeria|Andorra|Angola|Argentina|Armenia|Australia|Austria|Azerbaijan|Bahamas|Bahrain|Bangladesh|Barbados|Belarus|Belgium|Belize|"
    "Benin|Bhutan|Bolivia|Bosnia and Herzegovina|Bosnia|Botswana|Brazil|Brunei|Bulgaria|Burkina Faso|Burundi|Cambodia|Cameroon|Canada|Chad|Chile|China|Colombia|Congo|"
    "Costa Rica|Croatia|Cuba|Cyprus|Czech Republic|Czechia|Denmark|Dominican Republic|Ecuador|Egypt|El Salvador|Eritrea|Estonia|Ethiopia|Fiji|Finland|France|Gabon|Gambia|"
    "Germany|Ghana|Greece|Guatemala|Guinea|Guyana|Haiti|Honduras|Hungary|Iceland|India|Indonesia|Iran|Iraq|Ireland|Israel|Italy|Ivory Coast|Jamaica|Japan|Kazakhstan|Kenya|"
    "Kosovo|Kuwait|Kyrgyzstan|Laos|Latvia|Lebanon|Liberia|Libya|Liechtenstein|Lithuania|Luxembourg|Madagascar|Malawi|Malaysia|Maldives|Mali|Malta|Mauritania|Mauritius|Mexico|"
    "Moldova|Monaco|Mongolia|Montenegro|Morocco|Mozambique|Myanmar|Namibia|Nepal|Netherlands|New Zealand|Nicaragua|Nigeria|North Korea|North Macedonia|Norway|Oman|Pakistan|"
    "Palestine|Panama|Papua New Guinea|Paraguay|Peru|Philippines|Poland|Portugal|Qatar|Romania|Russia|Rwanda|Saudi Arabia|Senegal|Serbia|Sierra Leone|Singapore|Slovakia|"
    "Slovenia|Somalia|South Africa|South Korea|South Sudan|Spain|Sri Lanka|Sudan|Suriname|Sweden|Switzerland|Syria|Taiwan|Tajikistan|Tanzania|Thailand|Togo|Tunisia|"
    "Turkmenistan|Uganda|Ukraine|United Arab Emirates|United Kingdom|United States of America|United States|Uruguay|Uzbekistan|Venezuela|Vietnam|Yemen|Zambia|Zimbabwe|"
    "England|Scotland|Wales|Europe|Asia|Africa|South America|North America|USA|UK"
)
_STATES: Final = (
    "Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|"
    "Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New Hampshire|New Jersey|New Mexico|New York City|New York|North Carolina|North Dakota|Ohio|Oklahoma|"
    "Oregon|Pennsylvania|Rhode Island|South Carolina|South Dakota|Tennessee|Texas|Utah|Vermont|West Virginia|Wisconsin|Wyoming|Ontario|Quebec|Bavaria|Catalonia|Tuscany"
)
_CITIES: Final = (
    "Amsterdam|Ankara|Athens|Atlanta|Auckland|Baghdad|Baltimore|Bangalore|Bangkok|Barcelona|Basel|Beijing|Beirut|Belgrade|Berlin|Birmingham|Bogota|Bologna|Bordeaux|Boston|"
    "Bratislava|Bremen|Bristol|Brisbane|Brussels|Bucharest|Budapest|Buenos Aires|Cairo|Calgary|Cape Town|Caracas|Cardiff|Casablanca|Chennai|Chicago|Cincinnati|Cleveland|Cologne|Copenhagen|"
    "Dallas|Delhi|Denver|Detroit|Dhaka|Dresden|Dubai|Dublin|Edinburgh|Frankfurt|Geneva|Glasgow|Gothenburg|Hamburg|Hanoi|Hanover|Havana|Helsinki|Hong Kong|Honolulu|Houston|Istanbul|Jakarta|"
    "Jerusalem|Johannesburg|Karachi|Kiev|Kuala Lumpur|Kyiv|Kyoto|Lagos|Lahore|Las Vegas|Leeds|Leipzig|Lima|Lisbon|Liverpool|Ljubljana|London|Los Angeles|Lyon|Madrid|Manchester|"
    "Manila|Marseille|Melbourne|Mexico City|Miami|Milan|Minneapolis|Montreal|Moscow|Mumbai|Munich|Nairobi|Naples|New Delhi|New Orleans|Nuremberg|Osaka|Oslo|Ottawa|Palermo|Philadelphia|"
    "Phoenix|Pittsburgh|Prague|Pretoria|Rabat|Riga|Rio de Janeiro|Riyadh|Rome|Rotterdam|Salzburg|San Diego|San Francisco|San Jose|Santiago|Sao Paulo|Seattle|Seoul|Shanghai|Sofia|"
    "Stockholm|Stuttgart|Sydney|Taipei|Tallinn|Tehran|Tel Aviv|The Hague|Tokyo|Toronto|Toulouse|Tunis|Turin|Utrecht|Valencia|Vancouver|Venice|Vienna|Vilnius|Warsaw|Washington|Zagreb|Zurich"
)
_KNOWN = re.compile(rf"(?<![\w.@/-])(?:{_COUNTRIES}|{_STATES}|{_CITIES})(?![\w@/-])")
_CALLED = re.compile(
    r"(?<![\w.@/-])(?:[A-Z][a-z]{1,20} ){1,3}(?:Street|Road|Avenue|Ave|Blvd|Boulevard|Lane|Square|Tower|Bridge|Airport|Beach|River|Valley|Island|"
    r"Islands|Mountains|Peninsula|Stadium)(?: (?:Blvd|Ave|Road|Street))?(?!\w)"
)
_TOO = frozenset(
    ("the", "a", "an", "in", "at", "on", "from", "to", "our", "your", "my", "this", "go", "see", "visit")
)
_PLACES_MAX = 2_000


def find_places(text: str) -> list[Span]:
    """Places in order; of two that overlap the longer."""
    found = [span(Kind.LOCATION, text, match.start(), match.end()) for match in _KNOWN.finditer(text)]
    for match in _CALLED.finditer(text):
        start = match.start()
        first = match[0].split(" ", 1)[0]
        if first.lower() in _TOO:
            start += len(first) + 1
        if " " in text[start : match.end()]:
            found.append(span(Kind.LOCATION, text, start, match.end()))
    kept: list[Span] = []
    for there in sorted(found, key=lambda item: (item.start, -item.end)):
        if not kept or there.start >= kept[-1].end:
            kept.append(there)
    return kept[:_PLACES_MAX]
