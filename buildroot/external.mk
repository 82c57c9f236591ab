include $(sort $(wildcard $(BR2_EXTERNAL_WIIDIA_PATH)/package/*/*.mk))
