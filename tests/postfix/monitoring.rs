//! The monitoring notice: each member of staff is told once, and again after the time; nobody twice, and no machine answered.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::Signal;
use serde_json::Value;

use crate::kills::moments;
use crate::support::{Delivery, World, header_values, mail};

const ANA: &str = "ana@oakfield.example";
const BEN: &str = "ben@oakfield.example";
const CLEO: &str = "cleo@oakfield.example";
const ZOE: &str = "zoe@oakfield.example";

const MAPPING: &str = r#"
[[file]]
name = "*.csv"
role = { column = "Role", values = { "Teacher" = "staff", "Pupil" = "pupil" } }
id = "Id"
addresses = ["Mail"]
names = { given = "Given", family = "Family" }
"#;

const TEXT: &str = "# Mail is monitored\n\nAt {{ school }} a program reads your mail. Ask {{ contact }}.\n";

/// A world with these staff on the roll, and a pupil. It is about noon, by a time zone of its own.
fn world(staff: &[&str], settings: &str) -> World {
    let mut world = World::start();
    world.mailwarden.stop();
    let config = world.mailwarden.path("mailwarden.toml");
    let mut config = OpenOptions::new().append(true).open(config).unwrap();
    writeln!(config, "[people]\nroll = \"people.roll\"").unwrap();
    fs::write(world.mailwarden.path("mapping.toml"), MAPPING).unwrap();
    fs::write(world.mailwarden.path("policy/guidance/monitoring.md"), TEXT).unwrap();
    write_organisation(&world, "05:00-19:00", settings);
    import(&world, staff);
    world.mailwarden.restart();
    world
}

/// `settings` are those of the notice, and whatever tables follow.
fn write_organisation(world: &World, hours: &str, settings: &str) {
    let hour = Timestamp::now().in_tz("UTC").unwrap().hour();
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let hours: String = days.iter().map(|day| format!("{day} = \"{hours}\"\n")).collect();
    let text = format!(
        "name = \"Oakfield School\"\ntime-zone = \"Etc/GMT{:+}\"\ndomains = [\"oakfield.example\"]\n\
         [calendar.hours]\n{hours}[[approver]]\naddresses = [\"head@oakfield.example\"]\n\
         [monitoring-notice]\nguidance = \"monitoring\"\n{settings}\n",
        hour - 12
    );
    fs::write(world.mailwarden.path("policy/organisation.toml"), text).unwrap();
}

fn import(world: &World, staff: &[&str]) {
    let mut rows = "Id,Role,Given,Family,Mail\n9,Pupil,Sam,Hill,sam@oakfield.example\n".to_owned();
    for (number, address) in staff.iter().enumerate() {
        rows += &format!("{number},Teacher,Given,Family,{address}\n");
    }
    let export = world.mailwarden.path("staff.csv");
    fs::write(&export, rows).unwrap();
    let mapping = world.mailwarden.path("mapping.toml");
    let [mapping, export] = [&mapping, &export].map(|path| path.to_str().unwrap());
    world.mailwarden.run(&["people", "import", "--mapping", mapping, export]);
}

/// Waits for the notice to somebody.
fn notice(world: &World, to: &str) -> Delivery {
    let notice = world.sink.take(to);
    assert_eq!((notice.sender.as_str(), notice.recipients.as_slice()), ("", &[to.to_owned()][..]));
    assert_eq!(header_values(&notice.message, "Subject"), ["Mail is monitored"]);
    notice
}

/// Lets time pass for what is on the record, as its rows cannot be changed otherwise.
fn months_pass(world: &World) {
    world.in_database(
        "DROP TRIGGER monitoring_notices_stay; UPDATE monitoring_notices SET told_at = told_at - 200 * 86400000",
    );
}

fn list(world: &World, arguments: &[&str]) -> Vec<Value> {
    world.mailwarden.json(&[&["monitoring"], arguments, &["--json"]].concat())
}

/// Who was told how often, and why.
fn told(world: &World) -> Vec<String> {
    let all = list(world, &["list", "--all"]);
    let field = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
    all.iter().map(|line| format!("{} {}", field(line, "address"), field(line, "occasion"))).collect()
}

#[test]
fn whoever_joins_is_told_once_and_again_after_the_time() {
    // Somebody with an address elsewhere cannot be told.
    let mut world = world(&[ANA, "di@home.example"], "every = \"6 months\"");
    let text = notice(&world, ANA).text();
    assert!(text.contains("At Oakfield School a program reads your mail."), "{text}");
    // A restart, and a reload with somebody new, who is told; the others are not told again.
    world.mailwarden.stop();
    world.mailwarden.restart();
    import(&world, &[ANA, ZOE]);
    world.mailwarden.run(&["reload"]);
    notice(&world, ZOE);
    assert_eq!(told(&world), ["ana@oakfield.example new", "zoe@oakfield.example new"]);
    assert!(list(&world, &["due"]).is_empty());
    // After the time both are told again; Zoë has left meanwhile, and the record of her stays.
    months_pass(&world);
    import(&world, &[ANA, BEN]);
    world.mailwarden.run(&["reload"]);
    notice(&world, ANA);
    notice(&world, BEN);
    let wanted = ["ana@oakfield.example new", "ana@oakfield.example again", "ben@oakfield.example new"];
    assert_eq!(told(&world), [&wanted[..], &["zoe@oakfield.example new"]].concat());
    world.postfix.wait_for_empty_queue();
    for line in list(&world, &["list"]) {
        assert_eq!((&line["state"], &line["text_in_force"]), (&"sent".into(), &true.into()), "{line}");
    }
    assert_eq!(world.sink.count("di@home.example") + world.sink.count("sam@oakfield.example"), 0);
}

#[test]
fn a_few_a_minute_are_told_and_only_in_working_hours() {
    let world = world(&[ANA, BEN, CLEO, ZOE], "each-minute = 2");
    notice(&world, ANA);
    notice(&world, BEN);
    assert_eq!(told(&world).len(), 2);
    let waiting = list(&world, &["due"]);
    let waiting: Vec<&str> = waiting.iter().filter_map(|line| line["address"].as_str()).collect();
    assert_eq!(waiting, [CLEO, ZOE]);
    // Later the next are told; without an interval, the first are not told again. Cleo's school is closed just now.
    months_pass(&world);
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let hours: String = days.iter().map(|day| format!("{day} = \"00:00-00:01\"\n")).collect();
    let night = format!(
        "each-minute = 2\n[[school]]\nid = \"night\"\nname = \"Night School\"\naddresses = [\"{CLEO}\"]\n\
         [school.calendar.hours]\n{hours}"
    );
    write_organisation(&world, "05:00-19:00", &night);
    world.mailwarden.run(&["reload"]);
    notice(&world, ZOE);
    let waiting = list(&world, &["due"]);
    assert_eq!((waiting.len(), &waiting[0]["address"]), (1, &CLEO.into()), "{waiting:?}");
    let until: Timestamp = waiting[0]["waits_until"].as_str().expect("a moment").parse().unwrap();
    assert!(until > Timestamp::now(), "{until}");
    let due = String::from_utf8(world.mailwarden.run(&["monitoring", "due"]).stdout).unwrap();
    assert!(due.contains("1 of 1 waiting for working hours, until "), "{due}");
    assert_eq!(told(&world).len(), 3);
}

#[test]
fn somebody_is_told_when_asked_and_all_when_the_text_changed() {
    let world = world(&[ANA, ZOE], "");
    notice(&world, ANA);
    notice(&world, ZOE);
    assert_eq!(
        world.mailwarden.attempt(&["monitoring", "tell", "ana@elsewhere.example"]).status.code(),
        Some(2)
    );
    // A supply teacher, who is on no roll.
    world.mailwarden.run(&["monitoring", "tell", BEN, "--by", "head"]);
    notice(&world, BEN);
    let unchanged = world.mailwarden.run(&["monitoring", "tell", "--changed", "--by", "head"]);
    assert!(
        String::from_utf8_lossy(&unchanged.stdout)
            .contains("everybody was told by the text that is in force")
    );
    fs::write(world.mailwarden.path("policy/guidance/monitoring.md"), format!("{TEXT}\nAnd more.\n"))
        .unwrap();
    let shown = world.mailwarden.run(&["monitoring", "list"]);
    assert_eq!(String::from_utf8_lossy(&shown.stdout).matches("earlier").count(), 3);
    // A hundred a minute, so that nothing waits here.
    write_organisation(&world, "05:00-19:00", "each-minute = 1000");
    world.mailwarden.run(&["reload"]);
    world.mailwarden.run(&["monitoring", "tell", "--changed", "--by", "head"]);
    assert!(notice(&world, ANA).text().contains("And more."));
    let asked = list(&world, &["list"]);
    let by: Vec<(&Value, &Value)> = asked.iter().map(|line| (&line["occasion"], &line["asked_by"])).collect();
    assert_eq!(by, vec![(&"asked".into(), &"head".into()); 3], "{asked:?}");
}

/// Two people ask for the same at once: nobody is told twice, and the second hears that it is done.
#[test]
fn whoever_asks_second_for_a_changed_text_tells_nobody_again() {
    let staff: Vec<String> = (0..20).map(|number| format!("staff{number:02}@oakfield.example")).collect();
    let names: Vec<&str> = staff.iter().map(String::as_str).collect();
    let world = world(&names, "each-minute = 1000");
    for address in &staff {
        notice(&world, address);
    }
    fs::write(world.mailwarden.path("policy/guidance/monitoring.md"), format!("{TEXT}\nAnd more.\n"))
        .unwrap();
    let tell = |by: &str| world.mailwarden.run(&["monitoring", "tell", "--changed", "--by", by]).stdout;
    let mut letters = 0;
    thread::scope(|scope| {
        let askers: Vec<_> = ["head", "deputy", "bursar"].map(|by| scope.spawn(move || tell(by))).into();
        for asker in askers {
            let said = String::from_utf8(asker.join().unwrap()).unwrap();
            letters += said.matches("@oakfield.example").count();
        }
    });
    assert_eq!(letters, staff.len(), "each is said to be told once");
    let asked = list(&world, &["list", "--all"]).iter().filter(|line| line["occasion"] == "asked").count();
    assert_eq!(asked, staff.len());
}

#[test]
fn what_machines_answer_ends_there() {
    // The mailbox of one is not there yet: her notice comes back to nobody.
    let world = world(&["joiner@bounce.example", ANA], "");
    write_organisation(&world, "05:00-19:00", "");
    let organisation = world.mailwarden.path("policy/organisation.toml");
    let text = fs::read_to_string(&organisation).unwrap();
    let wider = text.replace("[\"oakfield.example\"]", "[\"oakfield.example\", \"bounce.example\"]");
    fs::write(&organisation, wider).unwrap();
    world.mailwarden.run(&["reload"]);
    world.postfix.log_line(&["to=<joiner@bounce.example>", "status=bounced"]);
    let notice = notice(&world, ANA);
    assert_eq!(header_values(&notice.message, "Auto-Submitted"), ["auto-generated"]);
    assert_eq!(header_values(&notice.message, "X-Auto-Response-Suppress"), ["All"]);
    let from = &header_values(&notice.message, "From")[0];
    let away =
        [b"Auto-Submitted: auto-replied\r\n".to_vec(), mail(ANA, from, "Away", "Nightshade.\r\n")].concat();
    let smtp = &mut world.connect();
    smtp.send(ANA, &[from], &away).expect_code(250);
    smtp.send("", &[from], &mail("mailer-daemon@oakfield.example", from, "Undelivered", "Nightshade.\r\n"))
        .expect_code(250);
    world.postfix.wait_for_empty_queue();
    assert_eq!((told(&world).len(), world.sink.count(ANA)), (2, 0));
}

#[test]
fn a_kill_at_any_moment_leaves_exactly_one_notice_each() {
    const KILLS: usize = 30;
    let mut world = world(&[], "each-minute = 1000");
    let staff: Vec<String> =
        (0..KILLS * 2).map(|number| format!("staff{number:02}@oakfield.example")).collect();
    for (kill, moment) in moments(Duration::from_millis(60)).take(KILLS).enumerate() {
        let joined: Vec<&str> = staff.iter().take(kill * 2 + 2).map(String::as_str).collect();
        import(&world, &joined);
        world.mailwarden.run(&["reload"]);
        // Not a wait for anything: the moment itself is what is tried out.
        thread::park_timeout(moment);
        world.mailwarden.signal(Signal::KILL);
        world.mailwarden.wait();
        world.mailwarden.restart();
    }
    for address in &staff {
        notice(&world, address);
    }
    world.postfix.wait_for_empty_queue();
    assert_eq!(told(&world).len(), staff.len());
    assert_eq!(world.sink.look(|shelf| shelf.len()), 0, "somebody was told twice");
}
