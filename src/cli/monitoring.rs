//! `monitoring`: who was told that mail is monitored, who is still to be told, and telling somebody now. Shows no mail.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use jiff::{SignedDuration, Timestamp, Zoned};
use serde_json::{Value, json};

use super::arguments::{Monitoring, MonitoringCommand, MonitoringTell};
use super::held::{person, refused};
use super::paint::{self, Tone};
use super::policy_source::{PolicySource, load_policy};
use super::{CliError, Ended};
use crate::config::Config;
use crate::message::Address;
use crate::people::People;
use crate::policy::{MonitoringNotice, Phrases, Policy, counted};
use crate::records::{MonitoringTelling, NewMonitoringTelling, RecipientState, Store};
use crate::serve::control::{self, Request};
use crate::serve::monitoring::{NoticeWriter, as_last};

/// Carries out a `monitoring` command.
pub fn run(source: &PolicySource, options: &Monitoring) -> Result<Ended, CliError> {
    let config = source.config()?;
    let policy = load_policy(&source.policy_directory(None)?)?;
    let people = source.people()?;
    let now = Zoned::now().with_time_zone(policy.organisation().time_zone.clone());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(CliError::io("the runtime does not start"))?;
    runtime.block_on(async {
        let store = Store::open(&config.store_directory).await.map_err(refused)?;
        let desk = Desk { store: &store, policy: &policy, config: &config, people: &people, now };
        let text = match &options.command {
            MonitoringCommand::List { all, json } => desk.list(*all, *json).await?,
            MonitoringCommand::Due { json } => desk.due(*json).await?,
            MonitoringCommand::Tell(tell) => desk.tell(tell).await?,
        };
        store.close().await;
        io::stdout().write_all(text.as_bytes()).map_err(CliError::io("standard output"))?;
        Ok(Ended::Well)
    })
}

/// What the commands work with.
struct Desk<'a> {
    store: &'a Store,
    policy: &'a Policy,
    config: &'a Config,
    people: &'a People,
    now: Zoned,
}

/// What became of a letter, in its tone.
fn outcome(state: RecipientState) -> String {
    let tone = match state {
        RecipientState::Sent => Tone::Good,
        RecipientState::Waiting => Tone::Quiet,
        RecipientState::Unconfirmed => Tone::Note,
        RecipientState::Refused => Tone::Bad,
    };
    paint::paint(state, tone)
}

impl Desk<'_> {
    fn notice(&self) -> Result<&MonitoringNotice, CliError> {
        self.policy.organisation().monitoring_notice.as_ref().ok_or_else(|| {
            CliError::Faults(
                "organisation.toml has no [monitoring-notice], so nobody is told; docs/monitoring-notice.md shows one"
                    .to_owned(),
            )
        })
    }

    fn writer<'a>(&'a self, notice: &'a MonitoringNotice) -> NoticeWriter<'a> {
        let (from, contact) = (&self.config.answers_from, &self.config.contact);
        NoticeWriter { policy: self.policy, notice, from, contact }
    }

    /// Whether somebody was told by the text that they would get now; `None` where there is no notice now.
    fn is_in_force(&self, telling: &MonitoringTelling) -> Option<bool> {
        let notice = self.policy.organisation().monitoring_notice.as_ref()?;
        let address = Address::parse(telling.address.as_bytes())?;
        Some(self.writer(notice).text(&address, &self.now)? == telling.text)
    }

    fn day(&self, at: Timestamp) -> String {
        Phrases::english().moment(&at.to_zoned(self.now.time_zone().clone()))
    }

    async fn list(&self, all: bool, as_json: bool) -> Result<String, CliError> {
        let tellings = match all {
            true => self.store.monitoring_tellings().await,
            false => self.store.last_monitoring_tellings().await.map(|last| last.into_values().collect()),
        };
        let tellings: Vec<MonitoringTelling> = tellings.map_err(refused)?;
        if as_json {
            let lines: Vec<String> = tellings.iter().map(|telling| self.as_json(telling)).collect();
            return Ok(lines.concat());
        }
        if tellings.is_empty() {
            return Ok("nobody was told yet\n".to_owned());
        }
        let row = |telling: &MonitoringTelling| {
            let text = match self.is_in_force(telling) {
                Some(true) => "in force".to_owned(),
                Some(false) => paint::paint("earlier", Tone::Note),
                None => String::new(),
            };
            let by = telling.asked_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
            vec![
                telling.address.clone(),
                self.day(telling.told_at),
                format!("{}{by}", telling.occasion),
                text,
                outcome(telling.state),
            ]
        };
        let heading = ["address", "told", "why", "text", "letter"];
        Ok(paint::table(&heading, tellings.iter().map(row).collect()))
    }

    fn as_json(&self, telling: &MonitoringTelling) -> String {
        let mut line = serde_json::to_value(telling).unwrap_or_default();
        if let Some(fields) = line.as_object_mut() {
            fields.insert("text_in_force".to_owned(), self.is_in_force(telling).into());
        }
        format!("{line}\n")
    }

    async fn due(&self, as_json: bool) -> Result<String, CliError> {
        let notice = self.notice()?;
        let last = self.store.last_monitoring_tellings().await.map_err(refused)?;
        let told = self.policy.to_be_told(notice, self.people.roll());
        let (mut due, mut next): (Vec<Value>, Option<Timestamp>) = (Vec::new(), None);
        for (address, reader) in &told.people {
            let before = last.get(address);
            let Some(now) = notice.due(before.map(as_last), &self.now) else {
                let again = before.and_then(|telling| notice.next(telling.told_at, &self.now));
                next = next.into_iter().chain(again).min();
                continue;
            };
            due.push(json!({
                "address": address,
                "role": reader.person.role,
                "occasion": now.occasion,
                "told_at": before.map(|telling| telling.told_at),
                "waits_until": self.policy.at_work_from(&reader.address, &self.now).map(|from| from.timestamp()),
            }));
        }
        if as_json {
            let unreachable = told.without_address.iter().map(|person| {
                let name = format!("{} {}", person.names.given, person.names.family);
                json!({ "address": null, "name": name, "role": person.role, "occasion": null, "told_at": null, "waits_until": null })
            });
            return Ok(due.into_iter().chain(unreachable).map(|line| format!("{line}\n")).collect());
        }
        Ok(self.due_for_people(&due, told.people.len(), &told.without_address, next))
    }

    fn due_for_people(
        &self,
        due: &[Value],
        people: usize,
        without_address: &[&crate::people::Person],
        next: Option<Timestamp>,
    ) -> String {
        let text =
            |line: &Value, name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut out = String::new();
        if !due.is_empty() {
            let row = |line: &Value| {
                let told: Option<Timestamp> = text(line, "told_at").parse().ok();
                let told = told.map_or_else(|| "never".to_owned(), |at| self.day(at));
                vec![text(line, "address"), text(line, "role"), text(line, "occasion"), told]
            };
            out += &paint::table(&["address", "role", "why", "told last"], due.iter().map(row).collect());
            out.push('\n');
        }
        let told = people.saturating_sub(due.len());
        let _ = writeln!(out, "{} to be told, {told} told", due.len());
        let waits: Vec<Timestamp> =
            due.iter().filter_map(|line| text(line, "waits_until").parse().ok()).collect();
        if let Some(first) = waits.iter().min() {
            let until = if waits.iter().all(|until| until == first) { "until" } else { "the first until" };
            let (number, day) = (waits.len(), self.day(*first));
            let _ = writeln!(out, "{number} of {} waiting for working hours, {until} {day}", due.len());
        }
        if let Some(next) = next {
            let _ = writeln!(out, "the next of them is told again on {}", self.day(next));
        }
        if !without_address.is_empty() {
            let names: Vec<String> = without_address
                .iter()
                .map(|person| format!("{} {}", person.names.given, person.names.family).trim().to_owned())
                .collect();
            let has = if names.len() == 1 { "has" } else { "have" };
            let _ = writeln!(
                out,
                "{}: {} {has} no address at your domains on the roll, so tell them yourself: {}",
                paint::paint("note", Tone::Note),
                counted(names.len(), "person"),
                names.join(", ")
            );
        }
        out
    }

    async fn tell(&self, options: &MonitoringTell) -> Result<String, CliError> {
        let notice = self.notice()?;
        let by = person(options.by.as_deref())?;
        let addresses = match options.changed {
            true => self.with_an_earlier_text(notice).await?,
            false => self.own(&options.addresses)?.into_iter().map(|address| (address, None)).collect(),
        };
        let writer = self.writer(notice);
        let mut rows = Vec::new();
        for ((address, unless_since), number) in addresses.iter().zip(0_i64..) {
            let written = writer.write(address, &self.now).map_err(refused)?.ok_or_else(|| {
                CliError::Failed(format!("guidance/{}.md cannot be filled in", notice.guidance()))
            })?;
            let telling = NewMonitoringTelling {
                asked_by: Some(&by),
                unless_since: *unless_since,
                wait: SignedDuration::from_secs(number * 60 / i64::from(notice.each_minute.max(1))),
                ..written.telling(address)
            };
            if self.store.tell_of_monitoring(&telling, self.now.timestamp()).await.map_err(refused)? {
                rows.push((address.folded().to_owned(), written.name().to_string()));
            }
        }
        // A filter that is not running sends them when it starts: the outbox is on the disk.
        let woken = control::ask(&self.config.control_socket, Request::Flush).is_ok();
        if options.json {
            let line = |(address, letter): &(String, String)| {
                format!("{}\n", json!({ "address": address, "letter": letter }))
            };
            return Ok(rows.iter().map(line).collect());
        }
        let note = match (rows.len(), woken) {
            (0, _) => return Ok("everybody was told by the text that is in force\n".to_owned()),
            (1, true) => "on its way to Postfix".to_owned(),
            (_, true) => format!("on their way to Postfix, {} a minute", notice.each_minute),
            (_, false) => "sent when `mailwarden serve` runs".to_owned(),
        };
        let lines = rows
            .iter()
            .map(|(address, letter)| format!("{}  {address}  {letter}\n", paint::paint("told", Tone::Good)));
        Ok(format!("{}{}: {note}\n", lines.collect::<String>(), counted(rows.len(), "notice")))
    }

    /// Those on the roll who were told last by a text that has changed since, and when: whoever is told after that, by somebody
    /// who asks at the same time, is not told again.
    async fn with_an_earlier_text(
        &self,
        notice: &MonitoringNotice,
    ) -> Result<Vec<(Address, Option<Timestamp>)>, CliError> {
        let last = self.store.last_monitoring_tellings().await.map_err(refused)?;
        let people = self.policy.to_be_told(notice, self.people.roll()).people;
        let earlier = people.into_iter().filter_map(|(address, reader)| {
            let telling = last.get(&address).filter(|telling| self.is_in_force(telling) == Some(false))?;
            Some((reader.address, Some(telling.told_at)))
        });
        Ok(earlier.collect())
    }

    /// Addresses as they were typed, each of which is the organisation's.
    fn own(&self, addresses: &[String]) -> Result<Vec<Address>, CliError> {
        let own = |text: &String| {
            let address = Address::parse(text.as_bytes());
            address.filter(|address| self.policy.organisation().is_ours(address)).ok_or_else(|| {
                CliError::Usage(format!("\"{text}\" is no address at a domain of the organisation"))
            })
        };
        addresses.iter().map(own).collect()
    }
}
