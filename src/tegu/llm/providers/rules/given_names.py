"""Given names that are common somewhere, and those among them that are English words as well.

Called by the names. Invariant: folded, as the words of a text are compared.
"""

from typing import Final

from tegu.llm.providers.rules.words import word_set

GIVEN_NAMES: Final = word_set(
    "aaron abby abdul abigail adam adrian ahmed aidan aisha alan albert alejandro alex alexander alexandra alexis ali alice alicia alison allison "
    "amanda amber amelia amir amy ana andrea andreas andrew andy angela angelina anita anja ann anna anne annie anthony antonio arjun arthur ashley "
    "ayesha barbara barry beatrice becky ben benjamin bernard beth betty beverly bob bobby brad bradley brandon brenda brendan brett brian "
    "bridget bruce bruno bryan caitlin caleb cameron camila carl carla carlos carmen carol caroline casey catherine cathy cecilia charles charlie "
    "charlotte chen cheryl chloe chris christian christina christine christopher cindy claire clara claudia colin connor craig cynthia daisy daniel "
    "daniela danielle danny darren dave david deborah debra deepak dennis derek diana diane diego dimitri dirk dmitri dominic donald donna dorothy "
    "douglas duncan dustin dylan eddie edgar edith eduardo edward edwin eileen elaine elena eleanor eli elias elijah elizabeth ella ellen emily emma "
    "enrique eric erica erik erin ernest esther ethan eugene eva evan evelyn fatima felipe felix fernando fiona florian frances francesca "
    "francis francisco frank fred freddie gabriel gabriela gareth gary gavin geoff george gerald gilbert gina giovanni giulia glenn gloria gordon grace "
    "graham greg gregory guillermo gustavo hannah hans harold harriet harry harvey hassan heather hector heidi helen helena henrik henry herbert "
    "hillary howard hugo ian ibrahim ines ingrid irene isaac isabel isabella ivan jack jackie jacob jacqueline jake jakob james jamie jan jane janet janice "
    "jasmine jason javier jay jean jeff jeffrey jennifer jenny jens jeremy jerome jerry jesse jessica jill jim jimmy joan joanna joe joel johan johanna john "
    "johnny jon jonas jonathan jordan jorge jose joseph joshua josh joyce juan juanita judith judy julia julian julie jurgen justin karen karina "
    "karl karin kate katherine kathleen kathryn kathy katie katrina keith kelly kelsey ken kenji kenneth kenny kevin kim kimberly klaus kristen kristin kurt "
    "kyle kylie lars larry laura lauren laurie lawrence lea leah lena leo leon leonard leonardo leonie leroy leslie lewis liam li lillian linda lindsay "
    "lisa lorenzo lori louis louise luca lucas lucia lucy luis luke lydia lynn mabel maja malcolm manuel marc marcel marco marcus margaret maria mariah mariana marie "
    "marilyn marina mario marion marjorie mark markus marlene marta martha martin martina marvin mary mateo mathew matt matteo matthew maureen maurice max "
    "megan mehmet mei melanie melissa meredith mia michael michel michele michelle miguel mike mildred miranda miriam mitchell mohamed mohammed "
    "molly monica monique morgan moritz muhammad nadia nancy naomi natalia natalie natasha nathan nathaniel neil nelson nicholas nick nicolas nicole nigel nikhil nina noah nora "
    "norman olga oliver olivia omar oscar otto owen pablo pamela patricia patrick paul paula pauline pavel pedro peggy peter petra phil philip philippe phillip "
    "phoebe pierre priya rachel rafael rahul raj ralph ramon randy raquel ravi raymond rebecca regina rhonda ricardo richard rick rita robert roberta roberto "
    "robin rodney roger roland roman ronald ronnie rosa rosemary ross roy ruben rudolf russell ruth ryan sabine sabrina sally sam samantha samuel "
    "sandra sanjay sara sarah scott sean sebastian sergio seth shannon sharon sheila shirley sidney silvia simon simone sofia sonia sophia "
    "sophie stacey stan stanley stefan stephanie stephen steve steven stewart stuart susan susanne suzanne svetlana sven sylvia tamara tanja tanya tara ted terence teresa teri "
    "terry thelma theodore theresa thomas tiffany tim timothy tina todd tom tomas tommy toni tony tracy travis trevor tyler ulrich ursula valentina valerie "
    "vanessa vera veronica vicki victor victoria vincent virginia vivian vladimir walter wanda warren wayne wei wendy wesley wilhelm william willie wolfgang "
    "xavier yasmin yolanda yuki yusuf yvonne zachary zoe"
)
ALSO_WORDS: Final = word_set(
    "amber chase daisy dean frank grace grant harry jack jay jordan josh ken kim leo li mark max mia morgan pat ray rob roman rosemary "
    "sally tara tim victor virginia austin florence paris roland francisco carmen christian"
)
"""Names that are words, too, or places: one of these alone, in the middle of a sentence, is not enough."""
