-- Every file of a part is fsynced, and a part that keeps each column in files of its own has four times as many of them: only
-- large ones are worth that. Statistics of columns cost a fifth of an insert, and no read here asks for them.
ALTER TABLE observation MODIFY SETTING min_bytes_for_wide_part = 134217728, auto_statistics_types = '';
ALTER TABLE rollup MODIFY SETTING min_bytes_for_wide_part = 134217728, auto_statistics_types = '';
ALTER TABLE judgement MODIFY SETTING min_bytes_for_wide_part = 134217728, auto_statistics_types = '';
ALTER TABLE status MODIFY SETTING min_bytes_for_wide_part = 134217728, auto_statistics_types = '';
ALTER TABLE definition MODIFY SETTING min_bytes_for_wide_part = 134217728, auto_statistics_types = '';
ALTER TABLE command MODIFY SETTING min_bytes_for_wide_part = 134217728, auto_statistics_types = '';
ALTER TABLE check_in MODIFY SETTING min_bytes_for_wide_part = 134217728, auto_statistics_types = '';
ALTER TABLE covered MODIFY SETTING min_bytes_for_wide_part = 134217728, auto_statistics_types = '';
ALTER TABLE alert MODIFY SETTING min_bytes_for_wide_part = 134217728, auto_statistics_types = '';
ALTER TABLE dead_letter MODIFY SETTING min_bytes_for_wide_part = 134217728, auto_statistics_types = '';
ALTER TABLE snapshot MODIFY SETTING min_bytes_for_wide_part = 134217728, auto_statistics_types = '';
ALTER TABLE progress MODIFY SETTING min_bytes_for_wide_part = 134217728, auto_statistics_types = '';
ALTER TABLE timeline MODIFY SETTING min_bytes_for_wide_part = 134217728, auto_statistics_types = '';
ALTER TABLE bi_definition MODIFY SETTING min_bytes_for_wide_part = 134217728, auto_statistics_types = '';
ALTER TABLE bi_bucket MODIFY SETTING min_bytes_for_wide_part = 134217728, auto_statistics_types = '';
