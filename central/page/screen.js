// One screen of the store: its picture as soon as there is a new one, and why it shows what it shows.
export default {
  template: `
    <figure class="tv" :data-screen="screen" :data-live="String(!dead)" :data-picture="seen">
      <div class="tv-glass">
        <img v-if="!dead && picture" :src="picture" :alt="name" draggable="false" />
        <div v-else class="tv-dark" role="img" :aria-label="dead">
          <span>{{ dead }}</span><small v-if="note">{{ note }}</small>
        </div>
      </div>
      <figcaption>
        <p class="tv-name"><span>{{ name }}</span>
          <span v-if="at"><span v-if="took" class="tv-took">{{ took }}</span><time>{{ age }}</time></span>
        </p>
        <p class="tv-why" :class="'by-' + cause"><i aria-hidden="true"></i>{{ why }}</p>
        <p v-if="level" class="tv-level">{{ level }}</p>
        <p v-if="viewed" class="tv-viewed">{{ viewed }}</p>
      </figcaption>
    </figure>`,
  props: {
    screen: String,
    name: String,
    src: String,
    dead: String,
    note: String,
    cause: String,
    why: String,
    level: String,
    took: String,
    viewed: String,
    at: Number,
    lang: String,
  },
  data() {
    return { picture: "", seen: 0, age: "" };
  },
  mounted() {
    this.loading = null;
    this.clock = setInterval(() => this.tick(), 1000);
    this.tick();
    this.load();
  },
  beforeUnmount() {
    clearInterval(this.clock);
  },
  watch: {
    src() {
      this.load();
    },
    at() {
      this.tick();
    },
  },
  methods: {
    tick() {
      this.age = this.at ? window.noren.ago(this.lang, this.at) : "";
    },
    // Fetched out of sight, so that one picture stands until the next is whole; of several only the newest.
    load() {
      if (!this.src || this.loading) return;
      const wanted = (this.loading = this.src);
      const image = new Image();
      const done = (picture) => {
        this.loading = null;
        if (picture) {
          this.picture = picture;
          this.seen += 1;
        }
        if (this.src !== wanted) this.load();
      };
      image.onload = () => done(wanted);
      image.onerror = () => done("");
      image.src = wanted;
    },
  },
};
