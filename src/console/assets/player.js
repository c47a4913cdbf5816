// Players of recordings ([data-player]): the keyboard, the speed, and the waveform, which is fetched when the recording is first
// played, since who has it drawn is written down as having heard it. May run more than once in a page.
"use strict";
(() => {
  const SPEEDS = [0.75, 1, 1.25, 1.5, 2];
  for (const player of document.querySelectorAll("[data-player]:not([data-ready])")) {
    player.dataset.ready = "";
    const audio = player.querySelector("audio"), canvas = player.querySelector("canvas"), speed = player.querySelector("[data-speed]");
    let wave = null, asked = false;

    const whole = () => Number.isFinite(audio.duration) && audio.duration > 0 ? audio.duration : wave ? wave.duration_ms / 1000 : 0;
    const seek = (to) => { audio.currentTime = Math.max(0, Math.min(whole(), to)); draw(); };
    const toggle = () => audio.paused ? audio.play().catch(() => {}) : audio.pause();

    async function fetchWave() {
      if (asked) return;
      asked = true;
      const answer = await fetch(player.dataset.peaks).catch(() => null);
      if (!answer?.ok) return;
      wave = await answer.json();
      canvas.hidden = wave.peaks.length === 0;
      draw();
    }

    function draw() {
      if (!wave || canvas.hidden) return;
      const scale = devicePixelRatio || 1, width = canvas.clientWidth, height = 72;
      if (canvas.width !== Math.round(width * scale)) { canvas.width = Math.round(width * scale); canvas.height = height * scale; }
      const paint = canvas.getContext("2d"), { color: heard, borderTopColor: rest } = getComputedStyle(canvas);
      const at = whole() ? audio.currentTime / whole() * width : 0;
      paint.setTransform(scale, 0, 0, scale, 0, 0);
      paint.clearRect(0, 0, width, height);
      // Quiet voices are drawn larger, but noise is not made a voice.
      const loudest = Math.max(24, ...wave.peaks.map(([low, high]) => Math.max(-low, high)));
      const step = width / wave.peaks.length;
      wave.peaks.forEach(([low, high], n) => {
        const x = n * step, up = high / loudest * height / 2, down = -low / loudest * height / 2;
        paint.fillStyle = x < at ? heard : rest;
        paint.fillRect(x, height / 2 - up, Math.max(step - .3, .6), Math.max(up + down, 1));
      });
      paint.fillStyle = heard;
      paint.fillRect(at, 0, 2, height);
    }

    audio.addEventListener("play", () => { fetchWave(); tick(); });
    for (const what of ["seeked", "pause", "ended", "loadedmetadata"]) audio.addEventListener(what, draw);
    function tick() { draw(); if (!audio.paused && player.isConnected) requestAnimationFrame(tick); }
    canvas.addEventListener("click", (event) => seek((event.clientX - canvas.getBoundingClientRect().left) / canvas.clientWidth * whole()));
    speed.addEventListener("change", () => { audio.playbackRate = Number(speed.value); });
    const faster = (by) => {
      const next = SPEEDS[SPEEDS.indexOf(Number(speed.value)) + by];
      if (next) { speed.value = String(next); audio.playbackRate = next; }
    };
    player.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("select, a, input")) return;
      const does = {
        " ": toggle, ArrowLeft: () => seek(audio.currentTime - 5), ArrowRight: () => seek(audio.currentTime + 5),
        Home: () => seek(0), End: () => seek(whole()), "[": () => faster(-1), "]": () => faster(1),
      }[event.key];
      if (!does) return;
      event.preventDefault();
      does();
    });
    new ResizeObserver(draw).observe(player);
  }
})();
