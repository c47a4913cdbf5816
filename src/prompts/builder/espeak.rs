//! espeak-ng as a process: the text goes in by stdin, a WAV comes out.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use super::{SynthesisError, Synthesiser};
use crate::media::clip::Clip;
use crate::media::wav;
use crate::prompts::speech::Speech;

/// The program of this name on the `PATH`.
#[derive(Debug, Clone)]
pub struct Espeak {
    program: String,
}

impl Default for Espeak {
    fn default() -> Self {
        Self { program: "espeak-ng".to_owned() }
    }
}

impl Espeak {
    /// Another program that takes the same arguments.
    pub fn named(program: &str) -> Self {
        Self { program: program.to_owned() }
    }

    /// Whether it can be started.
    pub fn is_installed(&self) -> bool {
        let probe = Command::new(&self.program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        probe.is_ok_and(|status| status.success())
    }
}

impl Synthesiser for Espeak {
    fn speak(&self, speech: &Speech) -> Result<Clip, SynthesisError> {
        let voice = &speech.voice;
        let mut child = Command::new(&self.program)
            .args(["-b", "1", "-z", "--stdin", "--stdout", "-v", &voice.engine])
            .args(["-s", &voice.speed_wpm.to_string(), "-p", &voice.pitch.to_string()])
            .args(["-g", &voice.word_gap_10ms.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|fault| match fault.kind() {
                io::ErrorKind::NotFound => SynthesisError::EspeakMissing,
                _ => SynthesisError::Espeak(fault.to_string()),
            })?;
        // It reads all of its input before it speaks, and a text is far smaller than a pipe: neither side waits.
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(speech.reading.as_bytes()).map_err(|fault| SynthesisError::Espeak(fault.to_string()))?;
        }
        let output = child.wait_with_output().map_err(|fault| SynthesisError::Espeak(fault.to_string()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(SynthesisError::Espeak(format!("{} {said}", output.status)));
        }
        wav::read(&output.stdout[..]).map_err(|fault| SynthesisError::Espeak(fault.to_string()))
    }

    fn service_voice(&self) -> Option<&str> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompts::catalogue::Voice;

    #[test]
    fn a_missing_program_tells_how_to_install_it() {
        let voice = Voice { engine: "en".to_owned(), speed_wpm: 140, pitch: 50, word_gap_10ms: 0 };
        let speech = Speech { voice, text: "x".into(), reading: "x".into(), lead_ms: 0, desk_name: None };
        let fault = Espeak::named("/nonexistent/espeak-ng").speak(&speech).expect_err("there is none");
        assert!(fault.to_string().contains("apt-get install espeak-ng"), "{fault}");
        assert!(!Espeak::named("/nonexistent/espeak-ng").is_installed());
    }
}
