//! Cuts frames from prompts that were encoded beforehand: a frame is a copy.

use std::collections::VecDeque;

use super::io::{Encoded, MediaToken};
use super::{codec, tone_gen};
use crate::types::{Codec, Digit};

/// Keys that wait to be heard; what comes on top is dropped.
const KEYS_MAX: usize = 32;
/// Between two keys in the audio: the shortest pause that everybody hears as one (ITU-T Q.24 asks for 40 ms and more).
const KEY_PAUSE_MS: u32 = 80;
/// Before the first key: G.722's decoder at the other end is still at what was heard before, and finds to silence first.
const KEY_LEAD_MS: u32 = 20;

/// What plays, and what is put in front of it for a moment (keys as tones, the warning tone of a recording).
#[derive(Debug, Default)]
pub struct Player {
    playing: Option<Playing>,
    inserted: Option<Cursor>,
    /// One after the other, with pauses between them.
    keys: VecDeque<Cursor>,
}

#[derive(Debug)]
struct Playing {
    /// None for what is played over and over.
    token: Option<MediaToken>,
    items: Vec<Encoded>,
    /// Index of the item after the current one.
    next: usize,
    current: Option<Cursor>,
}

#[derive(Debug)]
struct Cursor {
    clip: Encoded,
    offset: usize,
}

/// What a frame was filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filled {
    /// False when nothing plays: the frame was left alone.
    pub audio: bool,
    /// The play whose last byte this frame holds.
    pub done: Option<MediaToken>,
}

impl Player {
    /// Plays these one after the other in place of what plays.
    pub fn play(&mut self, token: MediaToken, items: Vec<Encoded>) {
        self.playing = Some(Playing { token: Some(token), items, next: 0, current: None });
    }

    /// Plays these over and over in place of what plays.
    pub fn play_loop(&mut self, items: Vec<Encoded>) {
        self.playing = Some(Playing { token: None, items, next: 0, current: None });
    }

    /// Stops without a word.
    pub fn stop(&mut self) {
        self.playing = None;
    }

    pub fn is_playing(&self) -> bool {
        self.plays_clip() || !self.keys.is_empty()
    }

    /// Whether anything but keys plays.
    pub fn plays_clip(&self) -> bool {
        self.playing.is_some() || self.inserted.is_some()
    }

    /// Lets a key be heard in the audio, after those that wait already; what plays waits for its end.
    pub fn sound(&mut self, digit: Digit, length_ms: u32, codec: Codec) {
        if self.keys.len() == KEYS_MAX {
            return;
        }
        let rate_hz = codec.sample_rate_hz();
        let pause_ms = if self.keys.is_empty() { KEY_LEAD_MS } else { KEY_PAUSE_MS };
        let mut samples = vec![0; (pause_ms * rate_hz / 1000) as usize];
        samples.extend(tone_gen::dtmf(digit, length_ms, rate_hz));
        let clip = codec::encode(codec, rate_hz, &samples);
        self.keys.push_back(Cursor { clip, offset: 0 });
    }

    /// Plays this at once; what plays waits for its end.
    pub fn insert(&mut self, clip: Encoded) {
        self.inserted = Some(Cursor { clip, offset: 0 });
    }

    pub fn drop_inserted(&mut self) {
        self.inserted = None;
    }

    /// Fills one frame of up to 60 ms; what the last clip leaves of it is the codec's silence. A clip of another codec
    /// (the codec changed while it played) is silent for as long as it would have lasted: noise would be worse.
    pub fn fill(&mut self, codec: Codec, frame: &mut [u8]) -> Filled {
        let mut len = self.copy_keys(codec, frame);
        if let Some(inserted) = &mut self.inserted {
            len += inserted.copy(codec, &mut frame[len..]);
            if inserted.is_over() {
                self.inserted = None;
            }
        }
        if self.inserted.is_none()
            && let Some(playing) = &mut self.playing
        {
            len += playing.copy(codec, &mut frame[len..]);
        }
        let done = self.playing.take_if(|p| p.is_over()).and_then(|p| p.token);
        if len > 0 {
            copy_silence(codec, &mut frame[len..]);
        }
        Filled { audio: len > 0, done }
    }

    fn copy_keys(&mut self, codec: Codec, frame: &mut [u8]) -> usize {
        let mut len = 0;
        while let Some(key) = self.keys.front_mut() {
            len += key.copy(codec, &mut frame[len..]);
            if !key.is_over() {
                break;
            }
            self.keys.pop_front();
        }
        len
    }
}

impl Playing {
    fn copy(&mut self, codec: Codec, frame: &mut [u8]) -> usize {
        let mut len = 0;
        while len < frame.len() && !self.is_over() {
            match self.current.as_mut().filter(|cursor| !cursor.is_over()) {
                Some(cursor) => len += cursor.copy(codec, &mut frame[len..]),
                None => {
                    let at = self.next % self.items.len();
                    self.current = Some(Cursor { clip: self.items[at].clone(), offset: 0 });
                    self.next = at + 1;
                }
            }
        }
        len
    }

    fn is_over(&self) -> bool {
        let from = if self.token.is_none() { 0 } else { self.next };
        let rest = self.items.get(from..).unwrap_or_default();
        self.current.as_ref().is_none_or(Cursor::is_over) && rest.iter().all(|i| i.bytes.is_empty())
    }
}

impl Cursor {
    fn copy(&mut self, codec: Codec, frame: &mut [u8]) -> usize {
        let rest = &self.clip.bytes[self.offset..];
        let len = rest.len().min(frame.len());
        if self.clip.codec == codec {
            frame[..len].copy_from_slice(&rest[..len]);
        } else {
            copy_silence(codec, &mut frame[..len]);
        }
        self.offset += len;
        len
    }

    fn is_over(&self) -> bool {
        self.offset >= self.clip.bytes.len()
    }
}

/// Fills a frame of any length with the codec's silence.
pub fn copy_silence(codec: Codec, frame: &mut [u8]) {
    let silence = codec::silence(codec);
    for part in frame.chunks_mut(silence.len()) {
        part.copy_from_slice(&silence[..part.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(byte: u8, len: usize) -> Encoded {
        Encoded { codec: Codec::Pcma, bytes: vec![byte; len].into() }
    }

    const TOKEN: MediaToken = MediaToken(1);

    #[test]
    fn clips_follow_each_other_without_a_gap_and_the_last_frame_is_padded_with_silence() {
        let mut player = Player::default();
        player.play(TOKEN, vec![clip(1, 100), clip(2, 0), clip(3, 100)]);
        let mut frame = [0; 160];
        assert_eq!(player.fill(Codec::Pcma, &mut frame), Filled { audio: true, done: None });
        assert_eq!((frame[99], frame[100], frame[159]), (1, 3, 3));
        assert_eq!(player.fill(Codec::Pcma, &mut frame), Filled { audio: true, done: Some(TOKEN) });
        assert_eq!((frame[39], frame[40], frame[159]), (3, 0xD5, 0xD5));
        assert_eq!(player.fill(Codec::Pcma, &mut frame), Filled { audio: false, done: None });
    }

    #[test]
    fn a_clip_that_fits_its_frames_is_done_with_its_last_one() {
        let mut player = Player::default();
        player.play(TOKEN, vec![clip(1, 320), clip(1, 0)]);
        let mut frame = [0; 160];
        assert_eq!(player.fill(Codec::Pcma, &mut frame).done, None);
        assert_eq!(player.fill(Codec::Pcma, &mut frame).done, Some(TOKEN));
    }

    #[test]
    fn music_goes_on_until_it_is_stopped() {
        let mut player = Player::default();
        player.play_loop(vec![clip(1, 100), clip(2, 60), clip(0, 0)]);
        let mut frame = [0; 160];
        for _ in 0..50 {
            assert_eq!(player.fill(Codec::Pcma, &mut frame), Filled { audio: true, done: None });
            assert_eq!((frame[0], frame[99], frame[100], frame[159]), (1, 1, 2, 2));
        }
        player.stop();
        assert!(!player.fill(Codec::Pcma, &mut frame).audio);
        player.play_loop(Vec::new());
        assert_eq!(player.fill(Codec::Pcma, &mut frame), Filled { audio: false, done: None });
    }

    #[test]
    fn nothing_to_play_is_done_at_once() {
        let mut player = Player::default();
        player.play(TOKEN, vec![]);
        assert_eq!(player.fill(Codec::Pcmu, &mut [0; 160]), Filled { audio: false, done: Some(TOKEN) });
    }

    #[test]
    fn keys_are_heard_one_after_the_other_and_before_what_plays() {
        let mut player = Player::default();
        player.play(TOKEN, vec![clip(1, 160)]);
        for _ in 0..50 {
            player.sound(Digit::HASH, 100, Codec::Pcma);
        }
        assert!(player.is_playing());
        let mut heard = Vec::new();
        let mut frame = [0; 160];
        while player.fill(Codec::Pcma, &mut frame).done.is_none() {
            heard.extend(frame);
        }
        let (first, others) = (KEY_LEAD_MS + 100, (KEYS_MAX as u32 - 1) * (KEY_PAUSE_MS + 100));
        assert_eq!(heard.len() as u32, (first + others) * 8, "no more than may wait");
        assert_eq!(heard[960..1600], [0xD5; 640]);
        assert_eq!(frame, [1; 160]);
    }

    #[test]
    fn an_inserted_tone_is_heard_first_and_what_played_goes_on() {
        let mut player = Player::default();
        player.play(TOKEN, vec![clip(1, 320)]);
        let mut frame = [0; 160];
        player.fill(Codec::Pcma, &mut frame);
        player.insert(clip(9, 200));
        assert_eq!(player.fill(Codec::Pcma, &mut frame).done, None);
        assert_eq!(frame, [9; 160]);
        player.fill(Codec::Pcma, &mut frame);
        assert_eq!((frame[39], frame[40], frame[159]), (9, 1, 1));
        assert_eq!(player.fill(Codec::Pcma, &mut frame).done, Some(TOKEN));
    }

    #[test]
    fn a_clip_of_another_codec_is_silence_of_its_length() {
        let mut player = Player::default();
        player.play(TOKEN, vec![clip(1, 320)]);
        let mut frame = [0; 160];
        assert_eq!(player.fill(Codec::Pcmu, &mut frame), Filled { audio: true, done: None });
        assert_eq!(frame, [0xFF; 160]);
        assert_eq!(player.fill(Codec::Pcmu, &mut frame).done, Some(TOKEN));
    }
}
