-- Let the runs of all organizations go on, but for those that their organizations paused.
delete from tegu.pauses where organization_id = '00000000-0000-0000-0000-000000000000' returning organization_id
