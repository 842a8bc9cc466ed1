//! A made-up school and what is written about its people: names in every form, and the same words meaning nobody. Seeded;
//! knows nothing of how names are found.

use std::fmt::Write as _;

use mailwarden::people::{Names, Person, PersonId, Role, Roll};

const PUPILS: usize = 1_200;
const STAFF: usize = 150;

/// Common first names of today's pupils; those of the second line are words too.
const GIVEN: &str = "Oliver Amelia George Isla Noah Ava Arthur Harry Sophia Leo Freya Muhammad Mohammed Aisha Fatima Zainab Ibrahim \
Yusuf Priya Arjun Anjali Rohan Wei Mei Jun Chidi Ngozi Kwame Abena Piotr Agnieszka Kasia Mateusz Ioana Andrei Oluwaseun Temitope \
Charlie Jacob Alfie Freddie Oscar Theodore Archie Henry Joshua James William Thomas Edward Alexander Samuel Joseph Daniel Lucas Isaac \
Sebastian Zachary Dylan Toby Reuben Jude Elijah Finley Harrison Logan Tyler Callum Kieran Declan Niamh Siobhan Eilidh Rhys Cerys Megan \
Bronwen Emily Olivia Ella Mia Evie Isabella Charlotte Sienna Phoebe Matilda Elsie Florence Eleanor Beatrice Imogen Harriet Jessica \
Chloe Sophie Lucy Hannah Abigail Molly Amelie Zara Layla Maryam Safa Hamza Bilal Tariq Sana Zoë Chloë Renée José André François Jürgen \
Zephyrine Thaddeus Perpetua Ignatius Anne-Marie Mary-Jane Jean-Paul Ella-Mae D'Arcy Mohammed-Ali";
const GIVEN_WORDS: &str = "Will Grace Mark May Hope Rose Chase Lincoln Summer Jack Lily Ruby Amber Jasmine Faith Joy Holly Ivy Daisy \
Poppy Violet Heather Robin Rob Bill Sue Pat Drew Frank Max Art Dale Dean Earl Jade Pearl Crystal Dawn Eve Autumn Skye River Ray Guy Miles \
April June";

const FAMILY: &str = "Bennett Smith Jones Taylor Williams Davies Evans Thomas Roberts Johnson Hughes Edwards Thompson Robinson Jackson \
Wright Clarke Harrison Patel Khan Hussain Ahmed Begum Ali Singh Kaur Shah Malik Chowdhury Okafor Adeyemi Mensah Boateng Nwosu \
Kowalczyk Nowak Wiśniewski Popescu Ionescu Nguyen Chen Wang Zhang Li Wu Campbell Stewart Murray MacDonald McCarthy McDonald Murphy \
Kelly Byrne O'Neill O'Brien O'Connor D'Souza D'Angelo Griffiths Llewellyn Pritchard Bevan Rees Núñez García Müller Strauß Lefèvre Besançon \
Sørensen Ramírez Fernandes Ferreira Rossi Marchetti Papadopoulos Yilmaz Demir Haddad Rahman Iqbal Siddiqui Achterberg Featherstone \
Cholmondeley Marchbanks Pettifer Wainfleet Ravenscroft Blenkinsop Ollerenshaw Hebblethwaite Entwistle Arkwright Tregenza Penhaligon \
Trevithick Wojciechowska Abdullahi Olatunji Vasquez Mwangi Katende Obi Eze Ofori Quarshie";
const FAMILY_WORDS: &str = "King Young Brown Bath Hope Lincoln Street Hill Wood Field Green White Black Gray Grey Rose Day May Winter Summers \
Bishop Cook Baker Butcher Carpenter Mason Fisher Hunter Parker Walker Turner Marsh Moor Stone Rivers Brook Banks Bush Berry Ball Bell \
Best Booth Bond Bridge Bull Burns Carter Chase Church Cross Dean Drake English Fox Frost Gates Goodman Grant Hall Head House Hunt Kent \
Knight Lake Lamb Lane Law Long Love Marks Miles Mills Moon North West Page Park Pope Price Read Rich Savage Sharp Short Small Swift Wall Ward \
Waters Wells Wise York London";

/// A small generator of numbers, the same at every run (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn number(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % below.max(1) as u64).unwrap()
    }

    pub fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.number(of.len())]
    }

    fn often(&mut self, percent: usize) -> bool {
        self.number(100) < percent
    }
}

/// The school's roll.
pub fn roll(dice: &mut Dice) -> Roll {
    let given: Vec<&str> = GIVEN.split_whitespace().collect();
    let given_words: Vec<&str> = GIVEN_WORDS.split_whitespace().collect();
    let family: Vec<&str> = FAMILY.split_whitespace().collect();
    let family_words: Vec<&str> = FAMILY_WORDS.split_whitespace().collect();
    let first = |dice: &mut Dice| if dice.often(15) { dice.one(&given_words) } else { dice.one(&given) };
    let last = |dice: &mut Dice| {
        let one = |dice: &mut Dice| if dice.often(25) { dice.one(&family_words) } else { dice.one(&family) };
        match dice.number(100) {
            0..8 => format!("{}-{}", one(dice), one(dice)),
            8..10 => format!("{} {}", one(dice), dice.one(&family)),
            10..12 => {
                format!("{} {}", dice.one(&["van der", "de", "Al", "El", "von", "St"]), dice.one(&family))
            }
            _ => one(dice).to_owned(),
        }
    };
    let mut people = Vec::new();
    for number in 0..PUPILS + STAFF {
        let pupil = number < PUPILS;
        let given = first(dice).to_owned();
        // Siblings have the family name of the pupil before.
        let sibling = people.last().filter(|_| pupil && dice.often(12));
        let family = sibling.map_or_else(|| last(dice), |other: &Person| other.names.family.clone());
        let names = Names {
            middle: if dice.often(60) { first(dice).to_owned() } else { String::new() },
            preferred_given: dice.often(10).then(|| first(dice).to_owned()),
            preferred_family: None,
            former_family: if dice.often(5) { vec![last(dice)] } else { Vec::new() },
            given,
            family,
        };
        let year = 7 + dice.number(7);
        people.push(Person {
            id: PersonId(number.to_string()),
            role: if pupil { Role::Pupil } else { Role::Staff },
            school: None,
            year: pupil.then(|| year.to_string()),
            class: pupil.then(|| format!("{year}{}", dice.one(&["A", "B", "C", "H", "R", "S"]))),
            names,
            addresses: Vec::new(),
            pupils: Vec::new(),
        });
    }
    Roll::new(people)
}

/// A sentence, and who is named in it where.
pub struct Sentence {
    /// How people are named in it, or why nobody is.
    pub form: &'static str,
    pub text: String,
    /// The first and last byte of each name, and the number of its person.
    pub named: Vec<(usize, usize, u32)>,
}

/// What is written about somebody; `{}` is the name.
const ABOUT: [&str; 44] = [
    "{} was excluded for two days on Monday.",
    "Please could you call me about {} this afternoon?",
    "I have spoken to {} and to the tutor.",
    "We are worried about {}, who has not been eating.",
    "Mum says {} refuses to come in.",
    "The referral for {} went to the MASH team yesterday.",
    "As discussed, {} will sit the paper in room 12.",
    "Attached is the plan for {}. Please read it before the meeting.",
    "Re: {} - behaviour log",
    "Attendance of {} (7H) fell to 71%.",
    "Can somebody cover break duty so that I can see {}?",
    "{} has been seen by the nurse; nothing is broken.",
    "{} needs an overlay for the mock.",
    "Did {} hand in the phone?",
    "After lunch {} left the site without permission.",
    "There was an incident between {} and another pupil.",
    "The social worker asked how {} is getting on.",
    "In May {} joined us from another school.",
    "Following the fight, {} and two others stayed behind.",
    "Pupil: {}",
    "EHCP review ({}) moved to 14:00",
    "this is about {} and the bullying",
    "Thanks for letting me know about {}.",
    "I saw {} in the corridor at 10:15; all was well.",
    "Could {} have a locker near the office, please?",
    "It was {} who told us.",
    "Today {} said that things at home are difficult.",
    "{} came in late again",
    "{}, Year 9, has moved to Mrs Hall's group.",
    "Please note that {} takes medication at noon.",
    "> will look at it with {} tomorrow",
    "The counsellor saw {} twice.",
    "Nobody had told {} about the change.",
    "Whenever {} is in the room the others stop working.",
    "We shall invite the parents of {} on Thursday.",
    "URGENT {} has not arrived",
    "Detention list: {}, Friday",
    "FSM - {} - eligible from 1 March",
    "My concern is that {} might run away.",
    "Dear all, {} is moving to 8C.",
    "{} is allergic to nuts.",
    "Is {} coming on the trip to Bath?",
    "Could you mark the work that {} handed in?",
    "Hope all is well. {} told me you rang.",
];

/// What is written with a possessive; `{}` is the name with it.
const OF: [&str; 10] = [
    "{} mum rang this morning.",
    "I attach {} report.",
    "Please see {} behaviour log.",
    "We read {} statement twice.",
    "What is {} timetable on Tuesday?",
    "{} exclusion ends on Friday.",
    "This was {} idea.",
    "Yesterday {} phone was taken.",
    "The meeting about {} EHCP is at two.",
    "Thank you for {} form.",
];

/// Forms in which a name is written, each with the text; none where the person has no such name.
type Form = fn(&Names, &mut Dice) -> Option<String>;

const FORMS: [(&str, Form); 25] = [
    ("first and last", |names, _| Some(plain(names))),
    ("preferred and last", |names, _| Some(format!("{} {}", names.preferred_given.as_ref()?, names.family))),
    ("former family name", |names, _| Some(format!("{} {}", names.given, names.former_family.first()?))),
    ("Last, First", |names, _| Some(format!("{}, {}", names.family, names.given))),
    ("Last, First Middle", |names, _| Some(format!("{}, {} {}", names.family, names.given, middle(names)?))),
    ("LAST, First", |names, _| Some(format!("{}, {}", names.family.to_uppercase(), names.given))),
    ("LAST First", |names, _| {
        let long = names.family.chars().nth(1).is_some();
        long.then(|| format!("{} {}", names.family.to_uppercase(), names.given))
    }),
    ("First Middle Last", |names, _| Some(format!("{} {} {}", names.given, middle(names)?, names.family))),
    ("First M. Last", |names, _| {
        Some(format!("{} {}. {}", names.given, middle(names)?.chars().next()?, names.family))
    }),
    ("First M Last", |names, _| {
        Some(format!("{} {} {}", names.given, middle(names)?.chars().next()?, names.family))
    }),
    ("First \"Nick\" Last", |names, dice| {
        let nick = dice.one(&["Ozzy", "Bee", "Tiggy", "Mo", "Junior", "Ziggy"]);
        let (open, close) = if dice.often(50) { ("\"", "\"") } else { ("(", ")") };
        Some(format!("{} {open}{nick}{close} {}", names.given, names.family))
    }),
    ("ALL CAPITALS", |names, _| Some(plain(names).to_uppercase())),
    ("no capitals", |names, _| (!has_words(names)).then(|| plain(names).to_lowercase())),
    ("first name small", |names, _| {
        (!has_words(names)).then(|| format!("{} {}", names.given.to_lowercase(), names.family))
    }),
    ("accents dropped", |names, _| Some(without_accents(&plain(names))).filter(|text| *text != plain(names))),
    ("hyphens dropped", |names, _| plain(names).contains('-').then(|| plain(names).replace('-', " "))),
    ("hyphens added", |names, _| {
        names.family.contains(' ').then(|| format!("{} {}", names.given, names.family.replace(' ', "-")))
    }),
    ("apostrophe dropped", |names, _| plain(names).contains('\'').then(|| plain(names).replace('\'', ""))),
    ("apostrophe curly", |names, _| plain(names).contains('\'').then(|| plain(names).replace('\'', "’"))),
    ("apostrophe spaced", |names, _| {
        names.family.contains('\'').then(|| format!("{} {}", names.given, names.family.replace('\'', " ")))
    }),
    ("first half of two", |names, _| Some(format!("{} {}", names.given, names.family.split_once('-')?.0))),
    ("second half of two", |names, _| Some(format!("{} {}", names.given, names.family.split_once('-')?.1))),
    ("over a line's end", |names, _| (!has_words(names)).then(|| plain(names).replacen(' ', "\n", 1))),
    ("with a title", |names, dice| {
        Some(format!("{} {}", dice.one(&["Mr", "Mrs", "Miss", "Ms", "Dr"]), plain(names)))
    }),
    ("two spaces", |names, _| Some(format!("{}  {}", names.given, names.family))),
];

/// Endings of a possessive.
const ENDINGS: [(&str, &str); 3] =
    [("possessive 's", "'s"), ("possessive ’s", "’s"), ("possessive without apostrophe", "s")];

/// Sentences with people of the roll named in full: so many of each form, fewer where fewer people have such a name.
pub fn named(roll: &Roll, each: usize, dice: &mut Dice) -> Vec<Sentence> {
    let mut sentences = Vec::new();
    for (form, write) in FORMS {
        let mut made = 0;
        for _ in 0..each * 40 {
            let number = u32::try_from(dice.number(roll.len())).unwrap();
            let names = &roll.numbered(number).unwrap().names;
            let Some(name) = write(names, dice) else { continue };
            let title = if form == "with a title" { name.find(' ').unwrap() + 1 } else { 0 };
            sentences.push(sentence(form, dice.one(&ABOUT), &name, title, number));
            made += 1;
            if made == each {
                break;
            }
        }
    }
    for (form, ending) in ENDINGS {
        for _ in 0..each {
            let number = u32::try_from(dice.number(roll.len())).unwrap();
            let name = plain(&roll.numbered(number).unwrap().names);
            // Nobody forgets the apostrophe of a name that ends in s so that it can be seen.
            if form.ends_with("without apostrophe") && name.ends_with('s') {
                continue;
            }
            let pattern = dice.one(&OF).replace("{}", &format!("{{}}{ending}"));
            sentences.push(sentence(form, &pattern, &name, 0, number));
        }
    }
    sentences.extend((0..each).map(|_| list(roll, dice)));
    sentences.extend(siblings(roll, each, dice));
    sentences
}

fn sentence(form: &'static str, pattern: &str, name: &str, title: usize, number: u32) -> Sentence {
    let start = pattern.find("{}").unwrap();
    let named = vec![(start + title, start + name.len(), number)];
    Sentence { form, text: pattern.replacen("{}", name, 1), named }
}

/// Several people one after the other.
fn list(roll: &Roll, dice: &mut Dice) -> Sentence {
    let mut text = dice.one(&["Late today: ", "I have seen ", "On the trip: ", "Could you send "]).to_owned();
    let mut named = Vec::new();
    for place in 0..3 {
        let number = u32::try_from(dice.number(roll.len())).unwrap();
        text += ["", ", ", " and "][place];
        let start = text.len();
        text += &plain(&roll.numbered(number).unwrap().names);
        named.push((start, text.len(), number));
    }
    text += dice.one(&[" today.", ", please.", ".", " to me?"]);
    Sentence { form: "several in a row", text, named }
}

/// Two first names and one family name.
fn siblings(roll: &Roll, most: usize, dice: &mut Dice) -> Vec<Sentence> {
    let people = roll.people();
    let pairs = (1_u32..).zip(people.windows(2)).filter(|(_, two)| {
        two[0].names.family == two[1].names.family && two[0].names.given != two[1].names.given
    });
    let sentence = |(second, two): (u32, &[Person])| {
        let (before, after) = dice.one(&ABOUT).split_once("{}").unwrap();
        let mut text = before.to_owned();
        let (one, other) = (&two[0].names, &two[1].names);
        let starts = text.len();
        text += &one.given;
        let first = (starts, text.len(), second - 1);
        text += if dice.often(80) { " and " } else { " & " };
        let starts = text.len();
        text += &plain(other);
        let second = (starts, text.len(), second);
        Sentence { form: "First and First Last", text: text + after, named: vec![first, second] }
    };
    pairs.map(sentence).take(most).collect()
}

/// The same words where nobody of the school is named in full. `{given}` and `{family}` are words of names on the roll that
/// are nobody's together, `{full}` is somebody's full name.
const NOBODY: [(&str, &[&str]); 13] = [
    (
        "first names alone",
        &[
            "{given} was late again.",
            "I spoke to {given} and {given}.",
            "Thanks {given}, that helps.",
            "{given}, {given} and {given} came.",
            "Is {given} in today?",
            "{given}'s mum rang.",
            "Hi {given}, hi {given}!",
        ],
    ),
    (
        "family names alone",
        &[
            "Mrs {family} will cover.",
            "Mr {family} and Miss {family} are out.",
            "See Dr {family}, please.",
            "The {family} twins are back.",
            "Ask {family} or {family}.",
            "Dear Mr {family}, thank you.",
            "Sent from Mrs {family}'s phone.",
        ],
    ),
    (
        "a first and somebody else's family name",
        &[
            "Mrs {family}, {given} was late.",
            "I told {given}. {family} knows.",
            "{given}, Mrs {family} is looking for you.",
            "With {given}: {family} has the list.",
            "{given} and Mrs {family} met.",
            "Ask Mr {family}, {given}'s tutor.",
            "{given}'s friend {family} came.",
            "Thank you {given}\n\n{family} Ltd",
        ],
    ),
    (
        "somebody who is not on the roll",
        &[
            "{stranger} from the council rang.",
            "Please copy {stranger} in.",
            "The supplier is {stranger}, on 01632 960123.",
            "{stranger}'s invoice is attached.",
            "I met {stranger} at the conference.",
            "Author: {stranger}",
            "{reversed}, Bristol",
        ],
    ),
    (
        "words in small letters",
        &[
            "we will young people support in their work",
            "please mark brown paper bags as recycling",
            "hope rose after the news",
            "may day is a holiday and may baths open",
            "they chase young drivers away",
            "will grant money be paid?",
            "grace before meals",
            "a lincoln green coat",
            "the dean may be late",
            "will king penguins fly?",
            "rob banks in the game, not in life",
            "can we bill long calls to the office",
            "please frank short letters",
            "the guy may hunt",
            "may hope be with you",
            "mark long answers first",
            "will black ink do?",
            "sue small firms",
            "summer fields are dry",
            "drew green lines",
        ],
    ),
    (
        "words that begin a sentence",
        &[
            "May half term is short.",
            "Grace before meals is said.",
            "Mark the brown box, please.",
            "Will young people come?",
            "Hope this helps.",
            "Rose bushes were planted.",
            "Chase parents for the forms.",
            "Will Young People's Forum meet?",
            "Bath Road is closed.",
            "Mark brown envelopes clearly.",
            "May Day is on Monday.",
            "Frank letters by noon.",
            "Bill long calls to us.",
            "Rob said so.",
            "Will black ink do?",
            "Summer fields are dry.",
            "Drew green lines on it.",
            "Mark Young Carers as present.",
            "Will Long Meadow be open?",
            "Hope House is our partner.",
            "Pat short dogs only.",
            "Dawn breaks early.",
            "May English books be kept?",
        ],
    ),
    (
        "streets, houses, schools, prizes",
        &[
            "We meet at {full} House.",
            "The {full} Cup goes to 7H.",
            "Turn left into {full} Road.",
            "She went to {full} School before.",
            "the {full} award",
            "It is at 4 {full} Close.",
            "The {full} Memorial Hall is booked.",
            "{full} Academy plays at home.",
            "Park in {full} Street.",
            "The {full} Trust has paid.",
        ],
    ),
    (
        "places and days",
        &[
            "The trip to Bath leaves at 9.",
            "Lincoln Cathedral was full.",
            "Meet in London, May 4.",
            "York and Bath are twinned.",
            "Bath Spa or Lincoln?",
            "Exam in English, Friday",
            "Chase Bank rang.",
            "Kent, West of London",
            "The Bishop of Bath and Wells",
            "In May Young Carers meet.",
            "Every June Long Hill is closed.",
            "In April Frost Fair begins.",
            "Bath, Summer fair",
        ],
    ),
    (
        "headings",
        &[
            "Will Young Writers Win?",
            "MARK BROWN PAPER",
            "May Day Parade",
            "Young Carers: May Meeting",
            "WILL YOUNG PEOPLE VOTE",
            "Hope For Young Minds",
            "Summer Fair Park Lane",
            "New Head, New Hope",
            "Green Day, White Rose",
            "Long Lane Rose Garden",
        ],
    ),
    ("addressed", &["Dear {full},", "Hi {full},", "Hello {full}\n", "{full},\nplease see below."]),
    (
        "addresses and links",
        &["Write to {local}@mail.example.", "See https://home.example/{local}.", "cc: {local}@mail.example"],
    ),
    // Nothing in the text says that somebody else is meant.
    ("a namesake", &["The novelist {full} reads at the library.", "We watched a film with {full} in it."]),
    // Nor that it is a place, but what one knows of places.
    (
        "a place that is called like somebody",
        &[
            "{place} is closed for repairs.",
            "The coach stops in {place}.",
            "From {place} it is a mile.",
            "We own {place} since 1920.",
        ],
    ),
];

/// Sentences in which nobody of the roll is named in full: so many of each kind, and of namesakes and places a few.
pub fn nobody(roll: &Roll, each: usize, dice: &mut Dice) -> Vec<Sentence> {
    let mut sentences = Vec::new();
    for (form, patterns) in NOBODY {
        let count = if form.starts_with("a namesake") || form.starts_with("a place") { 10 } else { each };
        for _ in 0..count {
            let mut text = String::new();
            let mut rest = dice.one(patterns);
            while let Some((before, (slot, after))) =
                rest.split_once('{').and_then(|(before, tail)| Some((before, tail.split_once('}')?)))
            {
                write!(text, "{before}{}", fill(roll, slot, dice)).unwrap();
                rest = after;
            }
            text += rest;
            sentences.push(Sentence { form, text, named: Vec::new() });
        }
    }
    sentences
}

fn fill(roll: &Roll, slot: &str, dice: &mut Dice) -> String {
    let names = |dice: &mut Dice| roll.people()[dice.number(roll.len())].names.clone();
    match slot {
        "given" => names(dice).given,
        "family" => names(dice).family,
        "full" => plain(&names(dice)),
        // Words both, such as Heather Lane.
        "place" => loop {
            let names = names(dice);
            let word = |name: &str, words: &str| words.split_whitespace().any(|word| word == name);
            if word(&names.given, GIVEN_WORDS) && word(&names.family, FAMILY_WORDS) {
                break plain(&names);
            }
        },
        "local" => plain(&names(dice)).to_lowercase().replace([' ', '\''], "."),
        _ => loop {
            let (given, family) = (names(dice).given, names(dice).family);
            if !is_anybody(roll, &given, &family) {
                break if slot == "reversed" {
                    format!("{family}, {given}")
                } else {
                    format!("{given} {family}")
                };
            }
        },
    }
}

/// Whether somebody may be called so, by any of the names.
fn is_anybody(roll: &Roll, given: &str, family: &str) -> bool {
    let begins = |one: &str, other: &str| {
        one.split(['-', ' ']).any(|word| other.split(['-', ' ']).any(|part| part == word))
    };
    roll.people().iter().any(|person| {
        let names = &person.names;
        let givens = [Some(&names.given), names.preferred_given.as_ref()];
        let families = std::iter::once(&names.family).chain(&names.former_family);
        givens.into_iter().flatten().any(|one| begins(one, given))
            && families.into_iter().any(|one| begins(one, family))
    })
}

fn plain(names: &Names) -> String {
    format!("{} {}", names.given, names.family)
}

fn middle(names: &Names) -> Option<&str> {
    Some(names.middle.as_str()).filter(|middle| !middle.is_empty())
}

/// Whether a name is a word too: written without capitals, nobody could tell.
fn has_words(names: &Names) -> bool {
    let is = |name: &str, words: &str| {
        name.split(['-', ' ']).any(|part| words.split_whitespace().any(|word| word == part))
    };
    [&names.given, &names.family].into_iter().any(|name| is(name, GIVEN_WORDS) || is(name, FAMILY_WORDS))
}

fn without_accents(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            'ë' | 'é' | 'è' => 'e',
            'ú' | 'ü' => 'u',
            'ñ' => 'n',
            'í' => 'i',
            'ç' => 'c',
            'ø' => 'o',
            'ś' => 's',
            letter => letter,
        })
        .collect::<String>()
        .replace('ß', "ss")
}
