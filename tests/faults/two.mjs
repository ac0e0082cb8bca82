import './disk_full.mjs';
import './shards.mjs';
