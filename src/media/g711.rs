//! ITU-T G.711, bit-exact to the reference code of ITU-T G.191. The only file that names `audio_codec_algorithms`.

use audio_codec_algorithms::{decode_alaw, decode_ulaw, encode_alaw, encode_ulaw};

/// The A-law byte of digital silence: the smallest positive step (+8).
pub const ALAW_SILENCE: u8 = 0xD5;
/// The mu-law byte of digital silence: exactly zero.
pub const ULAW_SILENCE: u8 = 0xFF;

/// Appends one sample per byte.
pub fn decode_alaw_into(payload: &[u8], out: &mut Vec<i16>) {
    out.extend(payload.iter().map(|&byte| decode_alaw(byte)));
}

/// Appends one sample per byte.
pub fn decode_ulaw_into(payload: &[u8], out: &mut Vec<i16>) {
    out.extend(payload.iter().map(|&byte| decode_ulaw(byte)));
}

/// Appends one byte per sample.
pub fn encode_alaw_into(samples: &[i16], out: &mut Vec<u8>) {
    out.extend(samples.iter().map(|&sample| encode_alaw(sample)));
}

/// Appends one byte per sample.
pub fn encode_ulaw_into(samples: &[i16], out: &mut Vec<u8>) {
    out.extend(samples.iter().map(|&sample| encode_ulaw(sample)));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ITU-T G.191 `alaw_expand`, written down again from its C source as the yardstick.
    fn g191_alaw_expand(byte: u8) -> i16 {
        let ix = i16::from(byte ^ 0x55) & 0x7F;
        let exponent = ix >> 4;
        let mut mantissa = ix & 0xF;
        if exponent > 0 {
            mantissa += 16;
        }
        mantissa = (mantissa << 4) + 8;
        if exponent > 1 {
            mantissa <<= exponent - 1;
        }
        if byte > 127 { mantissa } else { -mantissa }
    }

    /// ITU-T G.191 `ulaw_expand`.
    fn g191_ulaw_expand(byte: u8) -> i16 {
        let sign = if byte < 0x80 { -1 } else { 1 };
        let mantissa = !byte;
        let exponent = i16::from((mantissa >> 4) & 7);
        let segment = exponent + 1;
        let mantissa = i16::from(mantissa & 0xF);
        let step = 4 << segment;
        sign * ((0x80 << exponent) + step * mantissa + step / 2 - 4 * 33)
    }

    /// ITU-T G.191 `alaw_compress`.
    fn g191_alaw_compress(sample: i16) -> u8 {
        let mut ix = if sample < 0 { !sample >> 4 } else { sample >> 4 };
        if ix > 15 {
            let mut exponent = 1;
            while ix > 16 + 15 {
                ix >>= 1;
                exponent += 1;
            }
            ix = (ix - 16) + (exponent << 4);
        }
        if sample >= 0 {
            ix |= 0x80;
        }
        (ix ^ 0x55) as u8
    }

    /// ITU-T G.191 `ulaw_compress`.
    fn g191_ulaw_compress(sample: i16) -> u8 {
        let absolute = (if sample < 0 { (!sample >> 2) + 33 } else { (sample >> 2) + 33 }).min(0x1FFF);
        let mut i = absolute >> 6;
        let mut segment = 1;
        while i != 0 {
            segment += 1;
            i >>= 1;
        }
        let high = 8 - segment;
        let low = 0xF - ((absolute >> segment) & 0xF);
        let byte = (high << 4) | low;
        (if sample >= 0 { byte | 0x80 } else { byte }) as u8
    }

    #[test]
    fn both_laws_are_bit_exact_to_g191() {
        let all_bytes: Vec<u8> = (0..=255).collect();
        let all_samples: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        let mut samples = Vec::new();
        decode_alaw_into(&all_bytes, &mut samples);
        assert_eq!(samples, all_bytes.iter().map(|&b| g191_alaw_expand(b)).collect::<Vec<_>>());
        samples.clear();
        decode_ulaw_into(&all_bytes, &mut samples);
        assert_eq!(samples, all_bytes.iter().map(|&b| g191_ulaw_expand(b)).collect::<Vec<_>>());
        let mut bytes = Vec::new();
        encode_alaw_into(&all_samples, &mut bytes);
        assert_eq!(bytes, all_samples.iter().map(|&s| g191_alaw_compress(s)).collect::<Vec<_>>());
        bytes.clear();
        encode_ulaw_into(&all_samples, &mut bytes);
        assert_eq!(bytes, all_samples.iter().map(|&s| g191_ulaw_compress(s)).collect::<Vec<_>>());
    }

    #[test]
    fn silence_bytes_decode_to_the_smallest_step() {
        let mut out = Vec::new();
        decode_alaw_into(&[ALAW_SILENCE], &mut out);
        decode_ulaw_into(&[ULAW_SILENCE], &mut out);
        assert_eq!(out, [8, 0]);
    }
}
