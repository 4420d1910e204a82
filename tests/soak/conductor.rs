//! Plays a script: the world's part act by act, and the clients' all the time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    thread,
};

use airbyte_tokend_tests::Home;

use crate::{
    budget::{self, Excess},
    clients::Crowd,
    clock::{self, Seconds},
    ledger::Scribe,
    oracle::{Breach, Kind, Oracle},
    outputs::Outputs,
    report::Stage,
    script::{self, Act, Event, Script},
    search::Searcher,
    trouble::{Trouble, While as _},
    world::World,
};

/// What a soak came to.
pub(crate) struct Outcome {
    pub(crate) breaches: Vec<Breach>,
    /// The first breach in detail: the act, and what the daemon says happened to the profile.
    pub(crate) first: Option<String>,
    pub(crate) oracle: Oracle,
    pub(crate) recoveries: crate::recovery::Recoveries,
    pub(crate) blows: crate::world::Blows,
    pub(crate) oddities: Vec<String>,
    pub(crate) tally: BTreeMap<String, usize>,
    pub(crate) tokens: usize,
    pub(crate) exchanges: usize,
    pub(crate) busiest_minute: usize,
    /// Secrets that the search would not have found; none, if it is any good.
    pub(crate) blind: usize,
    /// How much was searched, in bytes, by place.
    pub(crate) searched: BTreeMap<&'static str, u64>,
    pub(crate) took: Seconds,
}

/// Callers are simple folk and have small stacks.
const STACK: usize = 512 * 1024;

/// Plays it to its end.
pub(crate) fn play(script: &Script, stage: &mut Stage) -> Result<Outcome, Trouble> {
    let began = clock::now();
    let (home, outputs) = (Home::new(), Outputs::default());
    let world = World::make(&home, &outputs, script);
    let lives = script.cast.iter().map(|role| role.life).collect();
    let scribe = Scribe::start(Arc::clone(&world.airbytes), lives)?;
    let crowd = Crowd::new(&home, &outputs);
    let mut conductor = Conductor::new(script, world, &scribe, &crowd, &outputs);
    thread::scope(|scope| {
        let _guard = Dispersing(&crowd);
        for client in 0..script.size.clients {
            let (crowd, asks) = (&crowd, script.asks(client));
            let caller = thread::Builder::new().stack_size(STACK);
            caller.spawn_scoped(scope, move || crowd.live(asks)).when("start a thread for a client")?;
        }
        conductor.play(stage)
    })?;
    Ok(conductor.conclude(clock::now() - began))
}

/// Sends the callers home, also when something ends early: whoever started them waits for them.
struct Dispersing<'a>(&'a Crowd<'a>);

impl Drop for Dispersing<'_> {
    fn drop(&mut self) {
        self.0.disperse();
    }
}

struct Conductor<'a> {
    script: &'a Script,
    world: World<'a>,
    scribe: &'a Scribe,
    crowd: &'a Crowd<'a>,
    outputs: &'a Outputs,
    secrets: Searcher,
    secrets_and_tokens: Searcher,
    oracle: Oracle,
    breaches: Vec<Breach>,
    first: Option<String>,
    /// Those who have exceeded their budget: it is told once of each.
    excessive: BTreeSet<usize>,
    /// When callers were sent home.
    asked_until: Seconds,
}

impl<'a> Conductor<'a> {
    fn new(
        script: &'a Script,
        world: World<'a>,
        scribe: &'a Scribe,
        crowd: &'a Crowd<'a>,
        outputs: &'a Outputs,
    ) -> Self {
        Self {
            script,
            world,
            scribe,
            crowd,
            outputs,
            secrets: Searcher::default(),
            secrets_and_tokens: Searcher::default(),
            oracle: Oracle::default(),
            breaches: Vec::new(),
            first: None,
            excessive: BTreeSet::new(),
            asked_until: Seconds::INFINITY,
        }
    }

    fn play(&mut self, stage: &mut Stage) -> Result<(), Trouble> {
        for (number, act) in self.script.acts.iter().enumerate() {
            self.play_act(act);
            self.judge(number, clock::now());
            stage.act(number, self.script, act, &self.world.blows, self.crowd, self.breaches.len())?;
        }
        // Whoever still waits for an answer shall get one, if only that the daemon ends.
        self.world.perform(Event::AllUpstreams(None));
        self.world.consult();
        self.asked_until = clock::now();
        self.crowd.disperse();
        self.world.end();
        Ok(())
    }

    fn play_act(&mut self, act: &Act) {
        let began = clock::now();
        for step in &act.steps {
            clock::wait_until(began + step.at as Seconds / 1e3);
            self.world.perform(step.event);
        }
        clock::wait_until(began + act.length as Seconds / 1e3);
    }

    /// Judges everything that happened up to now. From `asked_until` on nobody asks any more.
    fn judge(&mut self, act: usize, asked_until: Seconds) {
        let answers = self.crowd.take_answers();
        self.world.facts.ledger = self.scribe.ledger();
        let now = clock::now();
        let mut found = self.oracle.judge(&answers, &self.world.facts);
        found.extend(self.world.recoveries.observe(&answers, &self.world.facts, asked_until));
        found.extend(self.search(now));
        found.extend(self.look_for_excess(now));
        found.sort_by(|one, other| one.at.total_cmp(&other.at));
        if let (None, Some(breach)) = (&self.first, found.first()) {
            let timeline = self.world.timeline(breach.profile);
            self.first = Some(format!("act {}: {breach}\ntimeline: {timeline}", act + 1));
        }
        self.breaches.extend(found);
    }

    fn search(&mut self, at: Seconds) -> Vec<Breach> {
        for (profile, secret) in self.world.secrets() {
            let what = format!("{}'s secret", script::name(profile));
            self.secrets.add_secret(&what, secret);
            self.secrets_and_tokens.add_secret(&what, secret);
        }
        for token in self.scribe.take_texts() {
            self.secrets_and_tokens.add_token("a token", &token);
        }
        self.world.collect_files();
        let found = self.outputs.search(&self.secrets, &self.secrets_and_tokens);
        found.into_iter().map(|what| Breach { kind: Kind::Secret, profile: 0, at, what }).collect()
    }

    /// Judges what is left, and counts.
    fn conclude(mut self, took: Seconds) -> Outcome {
        self.judge(self.script.acts.len() - 1, self.asked_until);
        let (exchanges, busiest_minute) = self.count_exchanges();
        let (blind, searched) = self.outputs.try_search(&self.secrets);
        Outcome {
            tokens: self.world.facts.ledger.len(),
            breaches: self.breaches,
            first: self.first,
            oracle: self.oracle,
            recoveries: self.world.recoveries,
            blows: self.world.blows,
            oddities: self.world.oddities,
            tally: self.crowd.tally(),
            exchanges,
            busiest_minute,
            blind,
            searched,
            took,
        }
    }

    fn look_for_excess(&mut self, at: Seconds) -> Vec<Breach> {
        let mut found = Vec::new();
        for profile in 0..self.script.cast.len() {
            let excess = Excess::of(&self.arrivals(profile));
            let Some(Excess { count, within }) = excess.filter(|_| self.excessive.insert(profile)) else {
                continue;
            };
            let what = format!("{count} exchanges within {within:.1} s");
            found.push(Breach { kind: Kind::Budget, profile, at, what });
        }
        found
    }

    /// When each exchange of a profile came, on the daemon's boot clock.
    fn arrivals(&self, profile: usize) -> Vec<Seconds> {
        let requests = self.world.airbytes[profile].requests();
        let exchanges = requests.iter().filter(|request| request.exchange);
        exchanges.map(|request| self.world.facts.shifts.boot(request.at.as_secs_f64())).collect()
    }

    /// All exchanges, and the most of any profile in any minute.
    fn count_exchanges(&self) -> (usize, usize) {
        let arrivals: Vec<_> = (0..self.script.cast.len()).map(|profile| self.arrivals(profile)).collect();
        let busiest = arrivals.iter().map(|arrivals| budget::busiest_minute(arrivals)).max();
        (arrivals.iter().map(Vec::len).sum(), busiest.unwrap_or(0))
    }
}
