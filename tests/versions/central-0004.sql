BEGIN TRANSACTION;
CREATE TABLE "agent" (
	agent VARCHAR NOT NULL, 
	store VARCHAR NOT NULL, 
	revoked BOOLEAN NOT NULL, 
	revision INTEGER NOT NULL, 
	status TEXT, 
	status_at DATETIME, 
	CONSTRAINT pk_agent PRIMARY KEY (agent)
);
INSERT INTO "agent" VALUES('pi-1','ginza',0,1,'{"online":true,"version":"0.2.0","epoch":"e1","boot":"boot-1"}','2026-11-24 03:00:00.000000');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0004');
CREATE TABLE asset (
	digest VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	size BIGINT NOT NULL, 
	width INTEGER, 
	height INTEGER, 
	seconds FLOAT, 
	name VARCHAR NOT NULL, 
	made DATETIME NOT NULL, 
	poster VARCHAR, 
	CONSTRAINT pk_asset PRIMARY KEY (digest)
);
INSERT INTO "asset" VALUES('abababababababababababababababababababababababababababababababab','png',67,1,1,NULL,'tea.png','2026-11-24 03:00:00.000000',NULL);
CREATE TABLE boot (
	agent VARCHAR NOT NULL, 
	boot VARCHAR NOT NULL, 
	at_ms BIGINT NOT NULL, 
	boot_at DATETIME NOT NULL, 
	within_ms BIGINT NOT NULL, 
	wall_offset_ms BIGINT NOT NULL, 
	CONSTRAINT pk_boot PRIMARY KEY (agent, boot, at_ms)
);
INSERT INTO "boot" VALUES('pi-1','boot-1',1000,'2026-11-24 03:00:00.000000',20,0);
CREATE TABLE campaign (
	campaign VARCHAR NOT NULL, 
	body TEXT NOT NULL, 
	CONSTRAINT pk_campaign PRIMARY KEY (campaign)
);
INSERT INTO "campaign" VALUES('k-1','{"campaign":"k-1","name":"秋","playlist":"p-1"}');
CREATE TABLE certificate (
	serial VARCHAR NOT NULL, 
	issuer VARCHAR NOT NULL, 
	agent VARCHAR NOT NULL, 
	made DATETIME NOT NULL, 
	until DATETIME NOT NULL, 
	revoked DATETIME, 
	CONSTRAINT pk_certificate PRIMARY KEY (serial)
);
INSERT INTO "certificate" VALUES('1a','k1','pi-1','2026-11-24 03:00:00.000000','2026-11-24 03:00:00.000000',NULL);
CREATE TABLE code (
	digest VARCHAR NOT NULL, 
	store VARCHAR NOT NULL, 
	agent VARCHAR NOT NULL, 
	made DATETIME NOT NULL, 
	until DATETIME NOT NULL, 
	CONSTRAINT pk_code PRIMARY KEY (digest)
);
INSERT INTO "code" VALUES('abababababababababababababababababababababababababababababababab','ginza','pi-2','2026-11-24 03:00:00.000000','2026-11-25 03:00:00.000000');
CREATE TABLE command (
	command VARCHAR NOT NULL, 
	agent VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	body TEXT, 
	made DATETIME NOT NULL, 
	expires DATETIME NOT NULL, 
	ok BOOLEAN, 
	said TEXT, 
	replied DATETIME, 
	CONSTRAINT pk_command PRIMARY KEY (command)
);
INSERT INTO "command" VALUES('cmd-1','pi-1','ping',NULL,'2026-11-24 03:00:00.000000','2026-11-24 03:05:00.000000',1,'{}','2026-11-24 03:00:00.000000');
CREATE TABLE consent (
	customer VARCHAR NOT NULL, 
	purpose VARCHAR NOT NULL, 
	given BOOLEAN NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_consent PRIMARY KEY (customer, purpose), 
	CONSTRAINT fk_consent_customer FOREIGN KEY(customer) REFERENCES customer (customer) ON DELETE CASCADE
);
INSERT INTO "consent" VALUES('c-1','presence',1,'2026-11-24 03:00:00.000000');
CREATE TABLE "content" (
	content VARCHAR NOT NULL, 
	layout VARCHAR NOT NULL, 
	title JSON NOT NULL, 
	text JSON NOT NULL, 
	picture VARCHAR, 
	seconds INTEGER NOT NULL, 
	"order" BIGINT, 
	film VARCHAR, 
	products JSON DEFAULT '[]' NOT NULL, 
	popular INTEGER DEFAULT '0' NOT NULL, 
	link VARCHAR DEFAULT '' NOT NULL, 
	sensitive BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_content PRIMARY KEY (content)
);
INSERT INTO "content" VALUES('c-1','notice','{"ja": "秋の新茶"}','{"ja": "静岡から"}',NULL,8,1,NULL,'[]',0,'',0);
CREATE TABLE counter (
	agent VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	count BIGINT NOT NULL, 
	CONSTRAINT pk_counter PRIMARY KEY (agent, name)
);
INSERT INTO "counter" VALUES('pi-1','stored.crowd-counted',3);
CREATE TABLE coupon (
	customer VARCHAR NOT NULL, 
	coupon VARCHAR NOT NULL, 
	title JSON NOT NULL, 
	worth JSON NOT NULL, 
	CONSTRAINT pk_coupon PRIMARY KEY (customer, coupon), 
	CONSTRAINT fk_coupon_customer FOREIGN KEY(customer) REFERENCES customer (customer) ON DELETE CASCADE
);
INSERT INTO "coupon" VALUES('c-1','k-10','{"ja": "お茶"}','{"ja": "10%引き"}');
CREATE TABLE cursor (
	agent VARCHAR NOT NULL, 
	epoch VARCHAR NOT NULL, 
	seq BIGINT NOT NULL, 
	chain VARCHAR NOT NULL, begun DATETIME, 
	CONSTRAINT pk_cursor PRIMARY KEY (agent, epoch)
);
INSERT INTO "cursor" VALUES('pi-1','e1',3,'4d10524a20fd55dc5778e5bd2e238ec9fbf1a26e7bc1e1c99ea3e7c2c46f64a3',NULL);
CREATE TABLE customer (
	customer VARCHAR NOT NULL, 
	nickname VARCHAR NOT NULL, 
	language VARCHAR NOT NULL, 
	points BIGINT NOT NULL, segments JSON DEFAULT '[]' NOT NULL, 
	CONSTRAINT pk_customer PRIMARY KEY (customer)
);
INSERT INTO "customer" VALUES('c-1','はな','ja',7,'[]');
CREATE TABLE customer_store (
	customer VARCHAR NOT NULL, 
	store VARCHAR NOT NULL, 
	relation VARCHAR NOT NULL, 
	CONSTRAINT pk_customer_store PRIMARY KEY (customer, store, relation), 
	CONSTRAINT fk_customer_store_customer FOREIGN KEY(customer) REFERENCES customer (customer) ON DELETE CASCADE
);
INSERT INTO "customer_store" VALUES('c-1','ginza','home');
CREATE TABLE dirty (
	id INTEGER NOT NULL, 
	subject VARCHAR NOT NULL, 
	"key" VARCHAR NOT NULL, 
	CONSTRAINT pk_dirty PRIMARY KEY (id)
);
INSERT INTO "dirty" VALUES(1,'customer','c-1');
CREATE TABLE event (
	agent VARCHAR NOT NULL, 
	epoch VARCHAR NOT NULL, 
	seq BIGINT NOT NULL, 
	kind VARCHAR NOT NULL, 
	store VARCHAR NOT NULL, 
	born_wall DATETIME NOT NULL, 
	boot VARCHAR NOT NULL, 
	up_ms BIGINT NOT NULL, 
	synced BOOLEAN NOT NULL, 
	data TEXT NOT NULL, 
	received DATETIME NOT NULL, 
	CONSTRAINT pk_event PRIMARY KEY (agent, epoch, seq)
)
 WITHOUT ROWID

;
INSERT INTO "event" VALUES('pi-1','e1',1,'crowd-counted','ginza','2026-11-24 03:00:00.000000','boot-1',1,1,'{"kind":"crowd-counted","born":{"wall":"2026-11-24T03:00:00Z","boot":"boot-1","up_ms":1,"synced":true},"body":{"zone":"door","radios":1,"over_ms":60000}}','2026-11-24 03:00:00.000000');
INSERT INTO "event" VALUES('pi-1','e1',3,'crowd-counted','ginza','2026-11-24 03:00:00.000000','boot-1',3,1,'{"kind":"crowd-counted","born":{"wall":"2026-11-24T03:00:00Z","boot":"boot-1","up_ms":3,"synced":true},"body":{"zone":"door","radios":3,"over_ms":60000}}','2026-11-24 03:00:00.000000');
CREATE TABLE feed_row (
	scope VARCHAR NOT NULL, 
	feed VARCHAR NOT NULL, 
	"key" VARCHAR NOT NULL, 
	owner VARCHAR NOT NULL, 
	version BIGINT NOT NULL, 
	body TEXT, 
	until DATETIME, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_feed_row PRIMARY KEY (scope, feed, "key")
);
INSERT INTO "feed_row" VALUES('ginza','profiles','c-1','c-1',1,'{"customer":"c-1","purposes":["presence"]}',NULL,'2026-11-24 03:00:00.000000');
CREATE TABLE fork (
	agent VARCHAR NOT NULL, 
	epoch VARCHAR NOT NULL, 
	seq BIGINT NOT NULL, 
	count BIGINT NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_fork PRIMARY KEY (agent, epoch)
);
INSERT INTO "fork" VALUES('pi-1','e0',4,1,'2026-11-24 03:00:00.000000');
CREATE TABLE gap (
	agent VARCHAR NOT NULL, 
	epoch VARCHAR NOT NULL, 
	first BIGINT NOT NULL, 
	last BIGINT NOT NULL, 
	"drop" VARCHAR NOT NULL, 
	count BIGINT NOT NULL, 
	cause VARCHAR NOT NULL, 
	received DATETIME NOT NULL, 
	CONSTRAINT pk_gap PRIMARY KEY (agent, epoch, first)
);
INSERT INTO "gap" VALUES('pi-1','e0',2,3,'counts',2,'outbox_full','2026-11-24 03:00:00.000000');
CREATE TABLE generation (
	id INTEGER NOT NULL, 
	generation VARCHAR NOT NULL, incarnation VARCHAR DEFAULT '' NOT NULL, restored DATETIME, 
	CONSTRAINT pk_generation PRIMARY KEY (id)
);
INSERT INTO "generation" VALUES(1,'g-1','',NULL);
CREATE TABLE head (
	scope VARCHAR NOT NULL, 
	feed VARCHAR NOT NULL, 
	head BIGINT NOT NULL, 
	horizon BIGINT NOT NULL, 
	CONSTRAINT pk_head PRIMARY KEY (scope, feed)
);
INSERT INTO "head" VALUES('ginza','profiles',1,0);
CREATE TABLE held (
	agent VARCHAR NOT NULL, 
	epoch VARCHAR NOT NULL, 
	seq BIGINT NOT NULL, 
	digest VARCHAR NOT NULL, 
	CONSTRAINT pk_held PRIMARY KEY (agent, epoch, seq, digest)
);
INSERT INTO "held" VALUES('pi-1','e1',3,'abababababababababababababababababababababababababababababababab');
CREATE TABLE interest (
	customer VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	sku VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_interest PRIMARY KEY (customer, kind, sku), 
	CONSTRAINT fk_interest_customer FOREIGN KEY(customer) REFERENCES customer (customer) ON DELETE CASCADE
);
INSERT INTO "interest" VALUES('c-1','viewed','4901234567894','2026-11-24 03:00:00.000000');
CREATE TABLE layout (
	layout VARCHAR NOT NULL, 
	body TEXT NOT NULL, 
	CONSTRAINT pk_layout PRIMARY KEY (layout)
);
INSERT INTO "layout" VALUES('l-1','{"layout":"l-1","regions":[{"region":"main","at":[0,0,1000,1000],"shows":"main"}]}');
CREATE TABLE message (
	source VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_message PRIMARY KEY (source, digest), 
	CONSTRAINT fk_message_source FOREIGN KEY(source) REFERENCES source (source) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "message" VALUES('shop','efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef','2026-11-24 03:00:00.000000');
CREATE TABLE playlist (
	playlist VARCHAR NOT NULL, 
	contents JSON NOT NULL, 
	CONSTRAINT pk_playlist PRIMARY KEY (playlist)
);
INSERT INTO "playlist" VALUES('p-1','["c-1"]');
CREATE TABLE product (
	sku VARCHAR NOT NULL, 
	name JSON NOT NULL, 
	yen BIGINT NOT NULL, 
	category VARCHAR NOT NULL, 
	picture VARCHAR, 
	note JSON NOT NULL, 
	sensitive BOOLEAN NOT NULL, 
	CONSTRAINT pk_product PRIMARY KEY (sku)
);
INSERT INTO "product" VALUES('4901234567894','{"ja": "煎茶"}',800,'tea',NULL,'{}',0);
CREATE TABLE quarantine (
	id INTEGER NOT NULL, 
	agent VARCHAR NOT NULL, 
	epoch VARCHAR, 
	seq BIGINT, 
	data BLOB NOT NULL, 
	reason VARCHAR NOT NULL, 
	at DATETIME NOT NULL, leaf VARCHAR, 
	CONSTRAINT pk_quarantine PRIMARY KEY (id)
);
INSERT INTO "quarantine" VALUES(1,'pi-1','e1',2,X'7B62726F6B656E','Expected `object`','2026-11-24 03:00:00.000000',NULL);
CREATE TABLE settings (
	settings VARCHAR NOT NULL, 
	body TEXT NOT NULL, 
	made DATETIME NOT NULL, 
	state VARCHAR NOT NULL, 
	stage INTEGER NOT NULL, 
	staged DATETIME NOT NULL, 
	first VARCHAR NOT NULL, 
	hold_s INTEGER NOT NULL, 
	online JSON NOT NULL, 
	said TEXT NOT NULL, 
	CONSTRAINT pk_settings PRIMARY KEY (settings)
);
INSERT INTO "settings" VALUES('s-1','{"settings":"s-1","log":"info"}','2026-11-24 03:00:00.000000','good',2,'2026-11-24 03:00:00.000000','ginza',60,'["pi-1"]','');
CREATE TABLE snapshot (
	agent VARCHAR NOT NULL, 
	screen VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	png BLOB NOT NULL, 
	CONSTRAINT pk_snapshot PRIMARY KEY (agent, screen)
);
INSERT INTO "snapshot" VALUES('pi-1','shelf','2026-11-24 03:00:00.000000',X'89504E47');
CREATE TABLE source (
	source VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	made DATETIME NOT NULL, scopes VARCHAR DEFAULT 'track consents' NOT NULL, 
	CONSTRAINT pk_source PRIMARY KEY (source), 
	CONSTRAINT uq_source_digest UNIQUE (digest)
);
INSERT INTO "source" VALUES('shop','cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','2026-11-24 03:00:00.000000','track consents health');
CREATE TABLE stock (
	store VARCHAR NOT NULL, 
	sku VARCHAR NOT NULL, 
	on_hand BIGINT NOT NULL, 
	sold BIGINT NOT NULL, 
	CONSTRAINT pk_stock PRIMARY KEY (store, sku)
);
INSERT INTO "stock" VALUES('ginza','4901234567894',5,2);
CREATE TABLE store (
	store VARCHAR NOT NULL, 
	name JSON NOT NULL, timezone VARCHAR DEFAULT 'Asia/Tokyo' NOT NULL, link VARCHAR DEFAULT '' NOT NULL, 
	CONSTRAINT pk_store PRIMARY KEY (store)
);
INSERT INTO "store" VALUES('ginza','{"ja": "銀座店"}','Asia/Tokyo','');
CREATE TABLE store_settings (
	store VARCHAR NOT NULL, 
	settings VARCHAR NOT NULL, 
	CONSTRAINT pk_store_settings PRIMARY KEY (store), 
	CONSTRAINT fk_store_settings_settings FOREIGN KEY(settings) REFERENCES settings (settings)
);
INSERT INTO "store_settings" VALUES('ginza','s-1');
CREATE TABLE token (
	means VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	customer VARCHAR NOT NULL, 
	CONSTRAINT pk_token PRIMARY KEY (means, value), 
	CONSTRAINT fk_token_customer FOREIGN KEY(customer) REFERENCES customer (customer) ON DELETE CASCADE
);
INSERT INTO "token" VALUES('code','2000000000015','c-1');
CREATE INDEX ix_feed_row_owner_feed ON feed_row (owner, feed);
CREATE UNIQUE INDEX ix_feed_row_scope_feed_version ON feed_row (scope, feed, version);
CREATE INDEX ix_quarantine_agent ON quarantine (agent);
CREATE INDEX ix_token_customer ON token (customer);
CREATE INDEX ix_message_source_at ON message (source, at);
CREATE INDEX ix_certificate_agent ON certificate (agent);
CREATE INDEX ix_command_agent ON command (agent);
COMMIT;
