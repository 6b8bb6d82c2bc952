// The floor plan of one store: told where everybody is, it finds each a place in their zone and lets them walk there.
const TOP = 38; // Pixels under the wall with the screens in which nobody stands.
const BOTTOM = 26; // And above the shelves and a name.
const STEP = 30; // Between two places where somebody can stand.
const ANTENNA = 27; // The receivers hang from the ceiling, a little before the wall.
const AWRY = 0.2;
const ROOM = 8; // Pixels from one person to the next, and to the next one's name, where there are so many.
const NAME = { top: 20, bottom: 38, letter: 3.5 }; // Below the mark; half of what a narrow letter is wide.
const ROOMY = 190;
const TIGHT = 96;
const CLEAR = 24; // Nobody stands on a receiver where there is another place.
const PHONE = 520;
const GOLDEN = 0.6180339887;
const LEAVING_MS = 1300;

// Strangers and members look alike in size; what they agreed to is what is filled.
const MARK = { r: 10 };

// Two boxes around where somebody stands, and how far two boxes are apart: less than nothing if they overlap.
const mark = ({ x, y, reach }) => [x - reach, y - reach, x + reach, y + reach];
const name = ({ x, y, half }) => (half ? [x - half, y + NAME.top, x + half, y + NAME.bottom] : null);
const apart = (a, b) => (a && b ? Math.max(a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3]) : Infinity);

export default {
  template: `
    <div class="floor" ref="box">
      <svg v-if="width" :viewBox="'0 0 ' + width + ' ' + height" :width="width" :height="height"
           role="group" :aria-label="words.floor">
        <rect class="floor-ground" :x="door" y="0" :width="width - door" :height="height" />
        <path class="floor-wall" :transform="'translate(' + door + ' 0)'" :d="walls" aria-hidden="true" />
        <g v-for="(zone, index) in placed" :key="zone.zone" aria-hidden="true">
          <clipPath :id="clip + index"><rect :x="zone.x" y="0" :width="zone.w" :height="height" /></clipPath>
          <g :clip-path="'url(#' + clip + index + ')'">
            <circle v-for="n in 3" :key="n" class="floor-range" :cx="zone.antenna" :cy="zone.hangs" :r="(zone.range * n) / 3" />
          </g>
          <line v-if="index" class="floor-border" :x1="zone.x" :x2="zone.x" y1="14" :y2="height - 12" />
          <rect v-if="zone.screen" class="floor-screen" :x="zone.middle - 52" y="-1" width="104" height="8" rx="1.5" />
          <g v-if="zone.zone === shelf" class="floor-shelf">
            <rect v-for="n in 4" :key="n" :x="zone.x + 22 + ((n - 1) * (zone.w - 44)) / 4 + 4" :y="height - 15"
                  :width="(zone.w - 44) / 4 - 8" height="10" rx="1.5" />
          </g>
          <g v-if="zone.reader" class="floor-counter" :transform="'translate(' + (zone.right - 38) + ' ' + (height / 2 - 42) + ')'">
            <title>{{ words.reader }}</title>
            <rect width="25" height="84" rx="2.5" />
            <rect class="floor-reader" x="2.5" y="32" width="20" height="20" rx="2.5" />
            <path class="floor-code" transform="translate(5.5 35)" :d="qr" />
          </g>
          <g class="floor-antenna" :transform="'translate(' + zone.antenna + ' ' + zone.hangs + ')'">
            <circle r="2.6" />
            <path d="M-4.6 -4.6A6.5 6.5 0 0 0 -4.6 4.6M4.6 -4.6A6.5 6.5 0 0 1 4.6 4.6M-7.8 -7.8A11 11 0 0 0 -7.8 7.8M7.8 -7.8A11 11 0 0 1 7.8 7.8" />
          </g>
          <text class="floor-name" :x="zone.left + 14" y="25">{{ zone.name }}</text>
        </g>
        <text class="floor-name" x="2" y="25">{{ words.outside }}</text>
        <g class="floor-noren" :transform="'translate(' + door + ' 0)'" aria-hidden="true">
          <path class="floor-cloth" :d="gate.cloth" />
        </g>
        <g v-for="one in shown" :key="one.id" class="person" :class="one.css" :style="one.style"
           :data-person="one.id" :data-zone="one.zone" :data-consent="one.consent"
           :role="one.guest ? 'button' : 'img'" :tabindex="one.guest ? 0 : -1"
           :aria-label="one.said" :aria-pressed="one.guest ? String(one.chosen) : null"
           @click="choose(one)" @keydown.enter.prevent="choose(one)" @keydown.space.prevent="choose(one)">
          <title>{{ one.said }}</title>
          <circle v-if="one.guest" class="person-reach" r="22" />
          <circle v-if="one.beacon" class="person-beacon" r="14.5" />
          <circle class="person-body" :r="mark.r" />
          <path v-if="one.half" class="person-half" :d="one.half" />
          <circle v-if="one.guest" class="person-ring" r="18" />
          <g v-if="one.code" class="person-code" transform="translate(12 -30)">
            <rect x="-3" y="-3" width="20" height="24" rx="2.5" /><path :d="qr" />
          </g>
          <text v-if="one.label" class="person-name" y="33">{{ one.label }}</text>
        </g>
      </svg>
    </div>`,
  props: { zones: Array, people: Array, words: Object, outside: Number },
  emits: ["choose"],
  data() {
    return { width: 0, height: 0, shown: [], mark: MARK };
  },
  created() {
    this.places = new Map(); // Who stands at which place: they keep it as long as they stay in the zone.
    this.timers = new Map();
    this.clip = "zone" + Math.random().toString(36).slice(2, 8) + "-";
    // A member code as it is known from afar: three eyes and a few dots, 14 pixels square.
    const eye = (x, y) => `M${x} ${y}h6v6h-6zM${x + 1.4} ${y + 1.4}v3.2h3.2v-3.2z`;
    const dots = [[8, 8], [11.4, 8.6], [8.6, 11.4], [11.4, 11.6]].map(([x, y]) => `M${x} ${y}h2.2v2.2h-2.2z`);
    this.qr = eye(0, 0) + eye(8, 0) + eye(0, 8) + dots.join("");
  },
  mounted() {
    this.sizes = new ResizeObserver(() => this.measure());
    this.sizes.observe(this.$refs.box);
    this.measure();
  },
  beforeUnmount() {
    this.sizes.disconnect();
    for (const timer of this.timers.values()) clearTimeout(timer);
  },
  watch: {
    people() {
      this.place();
    },
  },
  computed: {
    door() {
      return this.placed.length ? this.placed[0].left : 0;
    },
    walls() {
      const { width, height, gate } = this;
      const right = width - this.door - 1.5;
      return `M0 ${gate.top}V1.5H${right}V${height - 1.5}H0V${gate.bottom}`;
    },
    shelf() {
      return this.zones.find((zone) => zone.screen && !zone.reader)?.zone;
    },
    placed() {
      // On a phone the pictures do not hang above, and every zone needs the same room.
      const share = (zone) => (this.width < PHONE ? 1 : zone.share);
      const all = this.zones.reduce((sum, zone) => sum + share(zone), 0);
      let x = 0;
      return this.zones.map((zone, index) => {
        const w = (this.width * share(zone)) / all;
        const left = index ? x : x + w * this.outside;
        const at = { ...zone, x: left, left, right: x + w, w: x + w - left, middle: (left + x + w) / 2 };
        // Beside the zone's name where it would be on it, or below where there is no room beside it.
        at.antenna = at.w < ROOMY && at.w >= TIGHT ? at.right - (at.w < 1.2 * TIGHT ? 14 : 26) : at.middle;
        at.hangs = at.w < TIGHT ? 2 * ANTENNA : ANTENNA;
        at.range = Math.min(at.w * 0.62, this.height * 0.95);
        x += w;
        return at;
      });
    },
    gate() {
      const top = this.height * 0.26;
      const bottom = this.height * 0.84;
      const piece = (bottom - top) / 4;
      const cloth = [0, 1, 2, 3].map((n) => `M-3 ${top + n * piece + 1}h6v${piece - 2}h-6z`).join("");
      return { top, bottom, cloth };
    },
  },
  methods: {
    measure() {
      const { width, height } = this.$refs.box.getBoundingClientRect();
      this.width = Math.round(width);
      this.height = Math.round(height);
      this.places.clear();
      this.place();
    },
    choose(one) {
      if (one.guest) this.$emit("choose", one.id);
    },
    // The places of a zone in an order that scatters them, the same every time.
    spots(zone, step) {
      const [left, right] = zone
        ? [zone.left + 12, zone.right - (zone.reader ? 48 : 12)]
        : [14, this.door - 18];
      const columns = Math.max(1, Math.floor((right - left) / step));
      const rows = Math.max(1, Math.floor((this.height - TOP - BOTTOM) / step));
      const dx = (right - left) / columns;
      const dy = (this.height - TOP - BOTTOM) / rows;
      const spots = [];
      for (let n = 0; n < columns * rows; n++) {
        // A little aside, so that they do not stand in rows.
        const x = left + dx * ((n % columns) + 0.5 + AWRY * Math.sin(n * 12.9));
        const y = TOP + dy * (Math.floor(n / columns) + 0.5 + AWRY * Math.sin(n * 7.3));
        spots.push({ x, y, n });
      }
      const free = spots.filter(({ x, y }) => !zone || Math.hypot(x - zone.antenna, y - zone.hangs) > CLEAR);
      return (free.length ? free : spots).sort((a, b) => ((a.n * GOLDEN + 0.3) % 1) - ((b.n * GOLDEN + 0.3) % 1));
    },
    // The first place with room around it; else, of more, the roomiest where nobody stands on a name, or has to.
    roomiest(one) {
      const zone = this.placed.find((each) => each.zone === one.zone);
      const others = [...this.places.values()].filter((at) => at.zone === one.zone);
      const rate = (spot) => {
        const own = { ...spot, ...this.size(one) };
        const names = Math.min(...others.flatMap((at) => [apart(name(own), mark(at)), apart(mark(own), name(at)), apart(name(own), name(at))]));
        const marks = Math.min(...others.map((at) => apart(mark(own), mark(at))));
        return { spot, room: Math.min(names, marks), rank: names < 0 ? names - 1e3 : Math.min(names, marks) };
      };
      const roomy = this.spots(zone, STEP).map(rate).find(({ room }) => room >= ROOM);
      const rated = roomy ? [roomy] : this.spots(zone, STEP / 2).map(rate);
      return rated.reduce((best, each) => (each.rank > best.rank ? each : best)).spot;
    },
    // How far a mark with its rings reaches, and half a name's width.
    size(one) {
      const letters = [...(one.label ?? "")].reduce((sum, letter) => sum + (letter < "\u0100" ? 1 : 2), 0);
      return { reach: one.guest ? 18 : one.beacon ? 14.5 : MARK.r, half: letters * NAME.letter };
    },
    place() {
      if (!this.width) return;
      const here = new Set(this.people.map((one) => one.id));
      for (const id of this.places.keys()) if (!here.has(id)) this.places.delete(id);
      const before = new Map(this.shown.map((one) => [one.id, one]));
      const fresh = [];
      for (const one of this.people) {
        const at = this.places.get(one.id);
        if (at && at.zone === one.zone) continue;
        this.places.delete(one.id);
        this.places.set(one.id, { zone: one.zone, ...this.size(one), ...this.roomiest(one) });
        if (!before.has(one.id)) fresh.push(one.id);
      }
      const people = this.people.map((one) => this.dressed(one, this.places.get(one.id)));
      const gone = this.shown.filter((one) => !here.has(one.id));
      for (const one of gone) {
        if (this.timers.has(one.id)) continue;
        this.timers.set(one.id, setTimeout(() => {
          this.timers.delete(one.id);
          this.shown = this.shown.filter((each) => each.id !== one.id || here.has(each.id));
        }, LEAVING_MS));
      }
      for (const id of here) {
        clearTimeout(this.timers.get(id));
        this.timers.delete(id);
      }
      const out = gone.map((one) => ({ ...one, css: one.css + " person-gone", style: this.at(this.door - 16, this.height / 2) }));
      // The guests last: their names are not to be stood on.
      const settled = [...people, ...out].sort((a, b) => a.guest - b.guest);
      if (!fresh.length || !before.size) {
        this.shown = settled;
        return;
      }
      // Who is new first stands at the door, and is moved from there once that is on the page.
      const door = this.at(this.door - 16, this.height / 2);
      this.shown = settled.map((one) => (fresh.includes(one.id) ? { ...one, css: one.css + " person-gone", style: door } : one));
      requestAnimationFrame(() => requestAnimationFrame(() => this.place()));
    },
    at(x, y) {
      return { transform: `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)` };
    },
    dressed(one, at) {
      const r = MARK.r;
      const half = {
        presence_only: `M0 ${-r}A${r} ${r} 0 0 0 0 ${r}z`,
        signage_only: `M0 ${-r}A${r} ${r} 0 0 1 0 ${r}z`,
      }[one.consent];
      const css = `is-${one.consent}` + (one.guest ? " is-guest" : "") + (one.chosen ? " is-chosen" : "");
      return { ...one, half, css, style: this.at(at.x, at.y) };
    },
  },
};
