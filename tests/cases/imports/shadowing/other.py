from other import missing
