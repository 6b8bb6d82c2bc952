// The newest events in central, each with its age, which this page counts by itself.
export default {
  template: `
    <ol v-if="rows.length" class="stream" :aria-label="title">
      <li v-for="row in rows" :key="row.id" :class="'kind-' + row.kind" :data-event="row.id">
        <i aria-hidden="true"></i><span>{{ row.words }}</span><time>{{ age(row.at) }}</time>
      </li>
    </ol>
    <p v-else class="quiet">{{ empty }}</p>`,
  props: { rows: Array, title: String, empty: String, lang: String },
  data() {
    return { now: Date.now() };
  },
  mounted() {
    this.clock = setInterval(() => (this.now = Date.now()), 1000);
  },
  beforeUnmount() {
    clearInterval(this.clock);
  },
  methods: {
    age(at) {
      return window.noren.ago(this.lang, at, Math.max(this.now, at));
    },
  },
};
