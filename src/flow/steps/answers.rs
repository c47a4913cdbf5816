//! `answers`: the desk's answers (R14), a tree of `answers.toml`. At every level 0 is a human, `*` says it again, `#` goes
//! back one level, and one key is for a question that isn't there.

use std::sync::Arc;

use serde::Deserialize;

use super::{Link, Nature, Step, Walk};
use crate::desk::answers::Topic;
use crate::flow::ask::{Menu, Pick};
use crate::flow::definition::{Saying, Word};
use crate::flow::io::Say;
use crate::flow::line::{Exit, Gone, Line};
use crate::types::{Digit, Lang};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerTree {
    /// Said after an answer: again, back, a human.
    then: Saying,
    human: Word,
    /// "My question isn't here".
    unanswered: Word,
    /// After an answer and a silence.
    done: Word,
    failed: Word,
}

impl Step for AnswerTree {
    fn links(&self) -> Vec<Link<'_>> {
        vec![
            Link::key("0", &self.human),
            Link::key("unanswered", &self.unanswered),
            Link::itself("done", &self.done),
            Link::itself("failed", &self.failed),
        ]
    }

    fn words(&self) -> Vec<&Word> {
        self.then.iter().collect()
    }

    fn nature(&self) -> Nature {
        Nature::Menu
    }

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move { self.browse(&line).await })
    }
}

impl AnswerTree {
    async fn browse(&self, line: &Line) -> Result<Exit, Gone> {
        let answers = line.flow.answers();
        let mut way: Vec<Digit> = Vec::new();
        loop {
            let here = answers.topic(&way).unwrap_or(&answers.root);
            let is_answer = here.topics.is_empty();
            let accepts = |key: Digit| key.as_char() == '0' || key == answers.unanswered || here.topic(key).is_some();
            let says = self.sounds(line, here, is_answer);
            if is_answer {
                line.state().served = true;
            }
            let menu = Menu { silence_answers: is_answer, ..Menu::new(says, &accepts) };
            match line.choose(menu).await? {
                Pick::Key(key) if key.as_char() == '0' => return Ok(Exit::to(&self.human)),
                Pick::Key(key) if key == answers.unanswered => return Ok(Exit::to(&self.unanswered)),
                Pick::Key(key) => way.push(key),
                Pick::Back => {
                    if way.pop().is_none() {
                        return Ok(Exit::Back);
                    }
                }
                Pick::Silence => return Ok(Exit::to(&self.done)),
                Pick::Failed => return Ok(Exit::to(&self.failed)),
            }
        }
    }

    fn sounds(&self, line: &Line, here: &Topic, is_answer: bool) -> (Lang, Vec<Say>) {
        let mut say: Vec<Say> = here.say.iter().map(|id| Say::Prompt(id.clone())).collect();
        if is_answer {
            say.extend(line.sounds(&self.then).1);
        }
        (line.lang(), say)
    }
}
