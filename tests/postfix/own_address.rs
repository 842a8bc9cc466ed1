//! Work that comes from a colleague's private address, by the shipped rules: recorded for whoever looks, and delivered as it came.

use std::fs;
use std::path::Path;

use crate::support::{World, mail};

const OFFICE: &str = "office@oakfield.example";
const MAPPING: &str = r#"
[[file]]
name = "*.csv"
role = { column = "Role", values = { "Teacher" = "staff", "Pupil" = "pupil", "Parent" = "parent" } }
school = "oakfield"
id = "Id"
addresses = ["Mail", "Home"]
names = { given = "Given", family = "Family" }
"#;
const ROLL: &str = "Id,Role,Given,Family,Mail,Home\n\
    1,Teacher,Helen,Marchbanks,h.marchbanks@oakfield.example,\n\
    2,Teacher,Daniel,Okoro,d.okoro@oakfield.example,dan72@mailbox.example\n\
    3,Pupil,Oliver,Bennett,obennett@pupils.oakfield.example,\n\
    4,Parent,Sarah,Bennett,,sarah.bennett@home.example\n";
const MATTER: &str = "The minutes of the case conference and the care order are below.\r\n";

/// The shipped rules, with a data protection lead who wants to hear of mild matters too, and a roll.
fn world() -> World {
    let lead = "category  = [\"confidential\", \"contact\"";
    let world = World::with_policy(Path::new("rules"))
        .with("policy/organisation.toml", &format!("severity  = [\"gross\", \"serious\"]\n{lead}"), lead)
        .with("mailwarden.toml", "", "[people]\nroll = \"people.roll\"\n");
    let [mapping, roll] = [("mapping.toml", MAPPING), ("people.csv", ROLL)].map(|(name, text)| {
        let path = world.mailwarden.path(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    });
    world.mailwarden.run(&["people", "import", "--mapping", &mapping, &roll]);
    world.mailwarden.run(&["reload"]);
    world
}

/// Somebody outside writes to the office, and shows a name; the message arrives as it came.
fn send(world: &World, from: &str, name: &str, subject: &str, body: &str) {
    let message = String::from_utf8(mail(from, OFFICE, subject, body)).unwrap();
    let message = message.replacen(&format!("From: <{from}>"), &format!("From: {name} <{from}>"), 1);
    let mut outside = world.connect().xclient("ADDR=203.0.113.7 NAME=elsewhere.example");
    outside.send(from, &[OFFICE], message.as_bytes()).expect_code(250);
    let delivery = world.sink.take(OFFICE);
    assert!(delivery.message.ends_with(message.as_bytes()), "{}", delivery.text());
}

/// The rules of the notices, the newest first.
fn noticed(world: &World) -> Vec<String> {
    let notices = world.mailwarden.json(&["notices", "list", "--json"]);
    let rules = |notice: &serde_json::Value| {
        let reference = notice["reference"].as_str().unwrap();
        let look = ["notices", "show", reference, "--why", "to see", "--by", "ms.okafor", "--json"];
        let shown = world.mailwarden.json(&look).remove(0);
        let rules =
            shown["rules"].as_array().unwrap().iter().map(|rule| rule["rule"].as_str().unwrap().to_owned());
        rules.collect::<Vec<_>>().join(" ")
    };
    notices.iter().map(rules).collect()
}

#[test]
fn work_from_a_colleagues_private_address_is_recorded_and_delivered_as_it_came() {
    let world = world();
    // The roll knows the address, whatever name it shows.
    let pupil = "Oliver Bennett was out of the room twice. I'll write it up tonight.\r\n";
    send(&world, "dan72@mailbox.example", "Dan", "Thursday", pupil);
    assert_eq!(noticed(&world), ["work-from-own-address"]);
    // A colleague's name at a private mailbox that nobody knows.
    send(&world, "marchbanks.h@home.example", "Helen Marchbanks", "Case conference", MATTER);
    assert_eq!(noticed(&world), ["work-from-own-address"; 2]);
    // Whoever writes from there is told nothing: it may be somebody else, and an answer would leave the school.
    world.postfix.wait_for_empty_queue();
    assert_eq!(world.sink.count("dan72@mailbox.example") + world.sink.count("marchbanks.h@home.example"), 0);
}

#[test]
fn what_is_no_work_or_no_colleagues_is_nobodys_concern() {
    let world = world();
    let ill = "I have a temperature and shall not be in today. The cover work is on the desk.\r\n";
    send(&world, "dan72@mailbox.example", "Dan", "Not in today", ill);
    // A parent about a child; a stranger; the name alone in a firm's address, which is no private mailbox.
    send(
        &world,
        "sarah.bennett@home.example",
        "Sarah Bennett",
        "Oliver Bennett",
        "Oliver Bennett is ill today.\r\n",
    );
    send(&world, "di@home.example", "Di Fenn", "Case conference", MATTER);
    send(&world, "helen@solicitors.example", "Helen Marchbanks", "Case conference", MATTER);
    let concerned: Vec<String> =
        noticed(&world).into_iter().filter(|rules| rules.contains("work-from-own-address")).collect();
    assert!(concerned.is_empty(), "{concerned:?}");
    assert!(!world.mailwarden.log().contains("work-from-own-address"), "{}", world.mailwarden.log());
}
